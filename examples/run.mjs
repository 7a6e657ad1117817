/**
 * `npm run example -- [NAME … | --all] [--quick] [--json] [--text FILE] [--seed N] [--threads N] [--write | --measure]`: sets everything
 * up, then runs the examples.
 */
import { CommandFailed, run } from '../scripts/run.mjs'
import { root, setUp } from '../scripts/setup.mjs'

try {
  await setUp()
  await run(process.execPath, ['--import=tsx', 'examples/run.ts', ...process.argv.slice(2)], {
    cwd: root,
    shell: false,
  })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
