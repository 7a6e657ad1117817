/** `npm run bench -- [W1 …] [--threads n] [--seconds s] [--json]`: sets everything up, compiles the bench, runs it. */
import { build } from 'esbuild'
import { CommandFailed, run } from '../scripts/run.mjs'
import { root, setUp } from '../scripts/setup.mjs'

// Compiled ahead, so that the time to the first step and the memory hold no compiler.
const OUT = 'target/bench'

try {
  await setUp()
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/bench.ts', 'bench/workload.ts'],
    outdir: OUT,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
  await run(process.execPath, [`${OUT}/bench.mjs`, ...process.argv.slice(2)], { cwd: root, shell: false })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
