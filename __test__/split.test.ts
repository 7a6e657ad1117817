import test from 'ava'
import fc from 'fast-check'
import { planText } from '../ts/char-model/plan-text.ts'
import { splitCorpus } from '../ts/corpus/split.ts'
import { RnnKitError } from '../ts/errors.ts'
import { checkShares, shareOptions } from '../ts/options/share.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'

test('training takes floor(0.9 n) symbols when validation takes a tenth', (t) => {
  for (const n of [20, 100, 101, 1_115_394, 1_253_099]) {
    t.deepEqual(splitCorpus(n, 0.1, 0), {
      train: [0, Math.floor((9 * n) / 10)],
      validation: [Math.floor((9 * n) / 10), n],
      test: [n, n],
    })
  }
})

test('rounding of shares loses no symbol', (t) => {
  // 1 - 0.05 - 0.05 is 0.8999999999999999 in floating point.
  t.deepEqual(splitCorpus(100, 0.05, 0.05), {
    train: [0, 90],
    validation: [90, 95],
    test: [95, 100],
  })
  t.deepEqual(splitCorpus(10, 0.2, 0.2), { train: [0, 6], validation: [6, 8], test: [8, 10] })
})

test('the ranges follow each other and cover everything', (t) => {
  const share = fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 0.49, noNaN: true }))
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 1e6 }), share, share, (n, validation, held) => {
      const { train, validation: middle, test: last } = splitCorpus(n, validation, held)
      t.deepEqual([train[0], train[1], middle[1], last[1]], [0, middle[0], last[0], n])
    }),
  )
})

test('a share of 0 is empty, one that was asked for has two symbols at least', (t) => {
  t.deepEqual(splitCorpus(1, 0, 0), { train: [0, 1], validation: [1, 1], test: [1, 1] })
  const options = { corpus: { text: 'x'.repeat(15) }, steps: 1, batchSize: 1, unrollLength: 1 }
  const error = t.throws(() =>
    planText(new Uint32Array(15), trainCharModelOptions({ ...options, validation: 0.1, test: 0.3 }).recipe),
  )
  t.like(error, { code: 'ERR_CORPUS_TOO_SHORT', field: 'corpus', value: 15 })
})

test('shares outside [0, 1) or of 1 together are refused', (t) => {
  const nothing = { share: 0, every: undefined }
  for (const bad of [-0.1, 1, Number.NaN, Number.POSITIVE_INFINITY, '0.1']) {
    const error = t.throws(() => shareOptions('test', bad, nothing), { instanceOf: RnnKitError })
    t.like(error, { code: 'ERR_INVALID_OPTION', field: 'test' })
  }
  const half = { share: 0.5, every: undefined }
  const error = t.throws(() => checkShares(half, half), { instanceOf: RnnKitError })
  t.like(error, { code: 'ERR_INVALID_OPTION', field: 'validation' })
})
