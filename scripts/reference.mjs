/** `npm run reference -- [--device cpu|gpu|reference] [--tolerance N] [--cases DIR] [--write OUT]`: installs what is missing, then runs the cases. */
import { CommandFailed, run } from './run.mjs'
import { install, root } from './setup.mjs'

try {
  await install()
  await run(process.execPath, ['--import=tsx', 'scripts/reference/main.ts', ...process.argv.slice(2)], {
    cwd: root,
    shell: false,
  })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
