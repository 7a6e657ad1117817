/** Whether what was built is what the sources say: a stamp, left by the build, of every file that it read. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Everything that the build reads; a folder counts with all that it holds. */
const BUILD_INPUTS = [
  'crates',
  'ts',
  'scripts/build.mjs',
  'Cargo.toml',
  'Cargo.lock',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
]
const BUILT = ['dist/index.js', 'dist/cli/main.js', 'native/index.cjs']
const STAMP = join(root, 'native/.built')

export function isBuilt() {
  if (!BUILT.every((path) => existsSync(join(root, path)))) return false
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === buildFingerprint()
}

/** Says that everything is built from the sources as they are. */
export function stampBuild() {
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, buildFingerprint())
}

/** Changes whenever a file that the build reads is added, removed or written. */
function buildFingerprint() {
  const hash = createHash('sha256')
  for (const path of BUILD_INPUTS.flatMap((input) => filesUnder(join(root, input)))) {
    const { size, mtimeMs } = statSync(path)
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function filesUnder(path) {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .sort()
    .flatMap((name) => (name === 'target' || name === 'node_modules' ? [] : filesUnder(join(path, name))))
}
