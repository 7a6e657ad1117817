/** `npm start [-- book.txt …]`: sets everything up, then trains on Moby Dick or on the reader's own text and prints what the model writes. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { CommandFailed, run } from './run.mjs'
import { root, setUp } from './setup.mjs'

// npm changes to the package's folder; INIT_CWD is where the person stood.
const standing = process.env.INIT_CWD ?? process.cwd()

const files = process.argv.slice(2).map((file) => resolve(standing, file))

try {
  // before the build, which takes minutes
  const missing = files.find((file) => !existsSync(file))
  if (missing !== undefined) {
    console.error(
      `there is no file ${missing}: npm start -- FILE … trains on your own text, npm start alone on Moby Dick`,
    )
    process.exit(1)
  }
  await setUp()
  const words = files.flatMap((file) => ['--text', file])
  await run(process.execPath, ['--import=tsx', 'examples/run.ts', 'novel', ...words], { cwd: root, shell: false })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = error.code
}
