/** How examples are asked for, judged and reported. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { readArguments } from '../examples/lib/arguments.ts'
import { distinctShare } from '../examples/lib/diversity.ts'
import { meanLosses } from '../examples/lib/history.ts'
import { keepRange, rangeAround, rangeOf } from '../examples/lib/ranges.ts'
import { faultsOf, folderOf, loadExample, runExample } from '../examples/lib/run-example.ts'
import { chooseText } from '../examples/lib/texts.ts'

const KNOWN = ['novel', 'sine-lstm']
const RANGE = { low: 1, high: 2, from: '' }
const root = fileURLToPath(new URL('..', import.meta.url))

test('--all runs every example quickly', (t) => {
  const { names, quick, json } = readArguments(['--all', '--json'], KNOWN)
  t.deepEqual({ names, quick, json }, { names: KNOWN, quick: true, json: true })
})

test('a wrong argument is named, with what would do', (t) => {
  const told = (...words: string[]) => t.throws(() => readArguments(words, KNOWN))?.message
  t.is(told('novle'), 'there is no example "novle": did you mean novel?')
  t.regex(told('zzz') ?? '', /there are novel, sine-lstm/)
  t.regex(told('--all', 'novel') ?? '', /leave out novel/)
  t.regex(told('novel', '--seed', '1.5') ?? '', /--seed must be a whole number from 0, not "1.5"/)
  t.regex(told('novel', '--text', 'a.txt', '--measure') ?? '', /leave out --text/)
  t.regex(told('novel', '--quik') ?? '', /--quik/)
})

test('the text is the reader’s, else the tutorial’s, else the one at hand', (t) => {
  const folder = folderOf('chinese-poems')
  const text = { tutorial: 'verse.txt', otherwise: 'verse.txt' }
  const own = join(folder, 'verse.txt')
  t.like(chooseText(folder, text, [own]), { files: [own], own: true })
  t.like(chooseText('elsewhere', text, [], folder), { files: [own], own: false })
  t.like(chooseText(folder, text, [], '/nowhere'), { files: [own], own: false })
  t.is(chooseText(folder, {}, [], folder).name, 'Moby Dick')
  t.throws(() => chooseText(folder, text, ['/no/such']), { message: /there is no file \/no\/such/ })
  t.throws(() => chooseText(folder, undefined, [own]), { message: /makes its own data/ })
})

test('a figure outside its range, or a claim that does not hold, is a fault', (t) => {
  const text = { name: 'verse.txt', own: false }
  t.deepEqual(faultsOf({ figure: 1, claims: { 'it rises': true } }, text, RANGE, true), [])
  t.deepEqual(faultsOf({ figure: 2.01, claims: { 'it rises': false } }, text, RANGE, true), [
    'does not hold: it rises',
    'its figure 2.01 is not within 1 to 2',
  ])
  t.regex(faultsOf({ figure: 1, claims: {} }, text, undefined, true).join(), /no range was measured for 'verse.txt'/)
  t.deepEqual(faultsOf({ figure: 1, claims: {} }, text, undefined, false), [])
  t.deepEqual(faultsOf({ figure: 9, claims: { 'it rises': false } }, { ...text, own: true }, undefined, true), [])
  t.is(faultsOf({ figure: Number.NaN, claims: {} }, { ...text, own: true }, undefined, true).length, 1)
})

test('a measured range is 5 % wider than the seeds, and is not measured again', async (t) => {
  const range = rangeAround({ 1: -2, 2: 4 })
  t.deepEqual([range.low, range.high], [-2.1, 4.2])
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await keepRange(folder, 'made', 'quick', range)
  await keepRange(folder, 'made', 'full', RANGE)
  t.deepEqual(await rangeOf(folder, 'made', 'quick'), range)
  await t.throwsAsync(keepRange(folder, 'made', 'full', range), { message: /take it out first/ })
  t.deepEqual(await rangeOf(folder, 'made', 'full'), RANGE)
})

test('losses are gathered over an epoch’s end, and repeated text is less diverse', (t) => {
  const entry = (step: number, loss: number) => ({ step, loss }) as Parameters<typeof meanLosses>[0][number]
  t.deepEqual(meanLosses([entry(75, 4), entry(100, 8), entry(200, 1)], 100), [
    [100, 5],
    [200, 1],
  ])
  t.is(distinctShare('abcdefg'), 1)
  t.is(distinctShare('abababa'), 0.5)
})

test('one example as JSON is a line with its figure and range; an unknown one ends with exit code 2', async (t) => {
  const run = (...words: string[]) =>
    promisify(execFile)(process.execPath, ['--import=tsx', 'examples/run.ts', ...words], { cwd: root })
  const { stdout } = await run('chinese-poems', '--quick', '--json')
  const { name, seconds, figure, low, high, ok } = JSON.parse(stdout)
  t.true(name === 'chinese-poems' && seconds > 0 && low < figure && figure < high && ok)
  const { code, stderr } = await t.throwsAsync<Error & { code: number; stderr: string }>(run('chinese-poem'))
  t.is(code, 2)
  t.regex(stderr, /did you mean chinese-poems\?/)
})

test('a text of the reader’s own needs no range', async (t) => {
  const verse = join(folderOf('chinese-poems'), 'verse.txt')
  const { ok, range, text } = await runExample('chinese-poems', { quick: true, text: [verse] })
  t.true(ok && text.own)
  t.is(range, undefined)
  t.truthy((await loadExample('chinese-poems')).figure)
})
