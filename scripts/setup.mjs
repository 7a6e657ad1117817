/** What a fresh clone needs before anything else: the locked dependencies, then the build; each only when it is out of date. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './run.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))

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

/** Installs and builds what is missing or out of date. Throws when a command fails. */
export async function setUp() {
  await install()
  await build()
}

export async function install() {
  if (isInstalled()) return
  console.error('Installing the development dependencies …')
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], { cwd: root })
}

export async function build() {
  const fingerprint = buildFingerprint()
  if (BUILT.every((path) => existsSync(join(root, path))) && readIfThere(STAMP) === fingerprint) return
  console.error('Building the addon and the package (the first time takes some minutes) …')
  await run(process.execPath, ['scripts/build.mjs'], { cwd: root })
  mkdirSync(join(root, 'native'), { recursive: true })
  writeFileSync(STAMP, fingerprint)
}

/** Whether node_modules holds what the lock file asks for. npm leaves its own list there; packages for other platforms are not in it. */
function isInstalled() {
  const installed = readIfThere(join(root, 'node_modules/.package-lock.json'))
  if (installed === undefined) return false
  const there = JSON.parse(installed).packages
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || (path in there ? there[path].version === entry.version : entry.optional === true),
  )
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

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
