/** `npm run bench -- …` (README.md): sets everything up, compiles the bench, runs it. */
import { CommandFailed, run } from '../scripts/run.mjs'
import { root, setUp } from '../scripts/setup.mjs'
import { bundle } from './bundle.mjs'

const OUT = 'target/bench'
/** What runs in processes of its own stands in files of its own. */
const PROGRAMS = {
  bench: 'bench/bench.ts',
  workload: 'bench/workloads/train.ts',
  sample: 'bench/workloads/sample.ts',
  memory: 'bench/memory/steps.ts',
  'first-step': 'bench/start/first-step.ts',
}

try {
  await setUp()
  await bundle(PROGRAMS, OUT)
  await run(process.execPath, [`${OUT}/bench.mjs`, ...process.argv.slice(2)], { cwd: root, shell: false })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
