/**
 * `npm run bench -- [W1 …] [--device cpu|gpu] [--threads n] [--seconds s] [--precision f32|f16] [--adapter NAME] [--form step|resident]
 * [--json | --peer FILE]`: sets everything up, compiles the bench, runs it.
 */
import { CommandFailed, run } from '../scripts/run.mjs'
import { root, setUp } from '../scripts/setup.mjs'
import { bundle } from './bundle.mjs'

const OUT = 'target/bench'

try {
  await setUp()
  await bundle(['bench/bench.ts', 'bench/workload.ts'], OUT)
  await run(process.execPath, [`${OUT}/bench.mjs`, ...process.argv.slice(2)], { cwd: root, shell: false })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
