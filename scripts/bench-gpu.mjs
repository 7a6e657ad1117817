/**
 * `npm run bench-gpu -- --out DIR`: packs a folder for a machine with Node and a GPU, on which nothing is installed or compiled: the addon,
 * the package, the bench, and the reference cases with their runner. There, `./run.sh` measures and checks all of it (bench/README.md).
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from '../bench/bundle.mjs'
import { targetFolder } from './cargo-target.mjs'
import { CommandFailed } from './run.mjs'
import { root, setUp } from './setup.mjs'

/** A folder this small goes anywhere. */
const MOST_BYTES = 60 * 2 ** 20
const RUNNER = process.platform === 'win32' ? 'reference-runner.exe' : 'reference-runner'

try {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  if (values.out === undefined) throw new Error('--out DIR is missing: the folder to make')
  // npm changes into the package's folder; a relative path means where the caller stands.
  await pack(resolve(process.env.INIT_CWD ?? process.cwd(), values.out))
} catch (error) {
  if (!(error instanceof CommandFailed)) console.error(`bench-gpu: ${error.message}`)
  process.exitCode = error instanceof CommandFailed ? error.code : 1
}

async function pack(out) {
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new Error(`${out} is there and not empty: name another folder`)
  await setUp()
  mkdirSync(out, { recursive: true })
  writeManifest(join(out, 'package.json'))
  cpSync(join(root, 'dist'), join(out, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  mkdirSync(join(out, 'native'))
  for (const file of readdirSync(join(root, 'native')).filter((name) => /\.(cjs|node)$/.test(name))) {
    copyFileSync(join(root, 'native', file), join(out, 'native', file))
  }
  await bundle(
    { gpu: 'bench/gpu.ts', workload: 'bench/workloads/train.ts', reference: 'scripts/reference/main.ts' },
    join(out, 'bench'),
  )
  copyFileSync(join(root, 'bench/gpu/torch_gpu.py'), join(out, 'bench/torch_gpu.py'))
  copyProgram(join(root, 'bench/gpu/run.sh'), join(out, 'run.sh'))
  copyProgram(join(targetFolder(), 'release', RUNNER), join(out, 'reference-runner'))
  cpSync(join(root, '__test__/reference/cases'), join(out, 'cases'), { recursive: true })
  const bytes = sizeOf(out)
  console.log(`${out}: ${(bytes / 2 ** 20).toFixed(1)} MiB; on the machine with the GPU: ./run.sh`)
  if (bytes > MOST_BYTES) throw new Error(`that is more than ${MOST_BYTES / 2 ** 20} MiB`)
}

/** What Node needs to find the package by its name from within. */
function writeManifest(path) {
  const { name, version, license, type, engines, exports, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  writeFileSync(
    path,
    `${JSON.stringify({ name, version, private: true, license, type, engines, exports, imports }, null, 2)}\n`,
  )
}

function copyProgram(from, to) {
  copyFileSync(from, to)
  chmodSync(to, 0o755)
}

function sizeOf(path) {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
