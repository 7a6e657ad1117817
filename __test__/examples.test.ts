/** Every example, run quickly (fewer epochs or narrower layers than its tutorial's) and held to its range and its claims. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { toSvg } from '../examples/lib/picture.ts'
import { exampleNames, folderOf, loadExample, runExample } from '../examples/lib/run-example.ts'

/** Lines of a screenful. */
const SCREEN = 72

for (const name of exampleNames()) {
  test.serial(`${name}, quickly: its figure is in its range and its claims hold`, async (t) => {
    t.timeout(5 * 60_000)
    const outcome = await runExample(name, { quick: true })
    t.deepEqual(outcome.faults, [], outcome.said.join('\n'))
    t.regex(outcome.said.join('\n'), /quick/i, 'it says that it was cut')
    t.regex(await toSvg(outcome.picture), /^<svg .*<path /s)
  })

  test(`${name}: a screenful, with its page and its picture`, async (t) => {
    const folder = folderOf(name)
    const source = await readFile(join(folder, 'main.ts'), 'utf8')
    t.true(source.trimEnd().split('\n').length <= SCREEN, `main.ts is longer than ${SCREEN} lines`)
    const page = await readFile(join(folder, 'README.md'), 'utf8')
    t.true(page.includes(`![${(await loadExample(name)).shows}](figure.svg)`), 'no picture: run it with --write')
    t.regex(page, /^````text\n.+^````$/ms, 'no printed result: run it with --write')
    t.true(existsSync(join(folder, 'figure.svg')))
    t.true((await readFile(join(folder, '../README.md'), 'utf8')).includes(`](${name}) |`), 'not in the index')
  })
}
