/** What of the options and data of sequence models is refused, with which words. */
import test from 'ava'
import { createSequenceModel, RnnKitError, trainSequenceModel } from '../ts/index.ts'
import { rejectsWith } from './fixtures/tiny-char-model.ts'
import { firstSymbolRows, sumRows, TINY_ROWS } from './fixtures/tiny-sequences.ts'

const ROWS = firstSymbolRows(12)
const OPTIONS = { ...TINY_ROWS, vocabulary: 4, predict: 'last-step', loss: 'crossEntropy', data: ROWS, epochs: 1 }
const NUMBERS = { ...TINY_ROWS, loss: 'mse', data: sumRows(4), epochs: 1 }
const withData = (change: object) => ({ ...OPTIONS, data: { ...ROWS, ...change } })
const withNumbers = (change: object) => ({ ...NUMBERS, data: { ...sumRows(4), ...change } })
const changed = <T extends Int32Array | Float32Array>(array: T, at: number, value: number): T => {
  const copy = array.slice() as T
  copy[at] = value
  return copy
}
const stream = { ...NUMBERS, unrollLength: 5, data: sumRows(1, 40), batchSize: 2 }

/** [options, field, what the message says] */
const REFUSED: [object, string, RegExp][] = [
  [withData({ inputs: [1, 2] }), 'data.inputs', /is an array of 2: it must be an Int32Array of ids or a Float32Array/],
  [withData({ inputs: new Int32Array() }), 'data.inputs', /at least one position/],
  [withData({ shape: [12] }), 'data.shape', /must be \[rows, T\], for ids, each at least 1/],
  [withData({ shape: [12, 4] }), 'data.shape', /\[12, 4\]": it must be of as many numbers as inputs has, 60/],
  [withData({ lengths: [1] }), 'data.lengths.length', /is 1: it must be 12, one a row/],
  [withData({ lengths: ROWS.lengths.with(3, 6) }), 'data.lengths[3]', /from 1 to 5, the shape's T/],
  [withData({ lengths: ROWS.lengths.with(3, 0) }), 'data.lengths[3]', /is 0/],
  [
    withData({ inputs: changed(ROWS.inputs, 11, 9) }),
    'data.inputs[11]',
    /an id from 0 to 3, or NO_SYMBOL \(-1\) \(row 2, step 1\)/,
  ],
  [withData({ targets: changed(ROWS.targets, 7, 4) }), 'data.targets[7]', /a class from 0 to 3 \(row 7\)/],
  [withData({ targets: new Int32Array(60) }), 'data.targets.length', /is 60: it must be 12, 1 a target/],
  [
    withData({ targets: new Float32Array(12) }),
    'data.targets',
    /an Int32Array of class ids, for the loss is cross-entropy/,
  ],
  [withData({ mask: new Uint8Array(60) }), 'data.mask', /left out where there is one target a row/],
  [withData({ target: 1 }), 'data.target', /did you mean data\.targets/],
  [{ ...OPTIONS, vocabulary: undefined }, 'vocabulary', /given, for inputs are symbol ids/],
  [{ ...OPTIONS, features: 2 }, 'features', /left out beside vocabulary/],
  [{ ...OPTIONS, loss: 'cross' }, 'loss', /one of 'crossEntropy', 'mse', 'rmse'/],
  [{ ...OPTIONS, loss: undefined }, 'loss', /loss is missing/],
  [
    { ...OPTIONS, batches: 'consecutive' },
    'batches',
    /'shuffled', 'ordered' or 'sampled' for rows, or give unrollLength/,
  ],
  [{ ...OPTIONS, batches: { order: 'ordered', offset: 'random' } }, 'batches.offset', /0 for rows/],
  [{ ...OPTIONS, samples: {} }, 'samples', /samples is not an option/],
  [{ ...OPTIONS, validation: 0.01, test: 0.05 }, 'validation', /a larger share, or 0: of 12 rows it keeps none/],
  [{ ...OPTIONS, validation: 0.2, validationData: ROWS }, 'validation', /a share of 0 beside validationData/],
  [
    { ...OPTIONS, validationData: { ...ROWS, targets: new Int32Array(3) } },
    'validationData.targets.length',
    /multiple of 12/,
  ],
  [{ ...OPTIONS, unrollLength: 3 }, 'data.targets.length', /multiple of 60/],
  [
    withNumbers({ inputs: changed(sumRows(4).inputs, 13, Number.NaN) }),
    'data.inputs[13]',
    /is NaN: it must be a finite number \(row 1, step 0\)/,
  ],
  [
    withNumbers({ targets: changed(sumRows(4).targets, 5, Number.POSITIVE_INFINITY) }),
    'data.targets[5]',
    /row 0, step 5/,
  ],
  [withNumbers({ targets: new Float32Array(25) }), 'data.targets.length', /is 25: it must be a multiple of 24/],
  [withNumbers({ mask: [1, 2] }), 'data.mask.length', /24, one a position/],
  [withNumbers({ mask: new Uint8Array(24).fill(2) }), 'data.mask[0]', /is 2: it must be 0 or 1/],
  [{ ...NUMBERS, features: 3 }, 'data.shape[2]', /is 2: it must be 3, the model's features/],
  [{ ...NUMBERS, outputs: 2 }, 'data.targets.length', /is 24: it must be 48, 2 a target/],
  [{ ...NUMBERS, input: { embedding: 3 } }, 'input', /left out without a vocabulary/],
  [{ ...NUMBERS, loss: 'crossEntropy' }, 'outputs', /given without a vocabulary: how many classes/],
  [{ ...NUMBERS, projection: 'identity' }, 'outputs', /is 1: it must be 8, the last layer's width/],
  [{ ...stream, data: sumRows(2, 40) }, 'data.shape[0]', /1 with unrollLength/],
  [
    { ...stream, batchSize: 9 },
    'data.shape[1]',
    /is 40: it must be at least 45 steps .* batchSize 9 and unrollLength 5/,
  ],
  [{ ...stream, bidirectional: true }, 'batches.resetCarry', /'batch', or the order 'shuffled'/],
]

for (const [options, field, message] of REFUSED) {
  test(`${field} ${message}`, async (t) => {
    const error = await t.throwsAsync(trainSequenceModel(options as never), { instanceOf: RnnKitError, message })
    t.is(error?.field, field, error?.message)
  })
}

test('what a row holds behind its end, and what is masked, may be anything', async (t) => {
  const data = sumRows(4)
  const inputs = changed(data.inputs as Float32Array, 2 * 5, Number.NaN)
  const targets = changed(changed(data.targets as Float32Array, 5, Number.NaN), 6, Number.NaN)
  const mask = new Uint8Array(24).fill(1).with(6, 0)
  using model = await trainSequenceModel({
    ...NUMBERS,
    loss: 'mse',
    data: { ...data, inputs, targets, mask, lengths: [5, 6, 6, 6] },
    steps: 3,
    epochs: undefined,
  } as never)
  t.true(Number.isFinite(model.history.at(-1)!.loss))
})

test('an option that an untrained model does not have is refused', async (t) => {
  const options = { loss: 'mse', layers: [{ kind: 'rnn', size: 2 }] } as const
  await rejectsWith(t, createSequenceModel({ ...options, epochs: 1 } as never), 'ERR_UNKNOWN_OPTION', 'epochs')
  using model = await createSequenceModel(options)
  await rejectsWith(t, model.setParameter('weight_ih_l1', [1, 2]), 'ERR_INVALID_OPTION', 'name')
  await rejectsWith(t, model.setParameter('weight_ih_l0', [1, 2, 3]), 'ERR_INVALID_OPTION', 'values.length')
  await rejectsWith(t, model.setParameter('weight_ih_l0', [1, Number.NaN]), 'ERR_INVALID_OPTION', 'values[1]')
  await rejectsWith(t, model.train({ epochs: 1 }), 'ERR_MISSING_OPTION', 'data')
  const data = { inputs: Float32Array.of(1), shape: [1, 1, 1] }
  await rejectsWith(t, model.predict({ data, output: 'probabilities' }), 'ERR_INVALID_OPTION', 'output')
  await rejectsWith(t, model.evaluate({ data } as never), 'ERR_MISSING_OPTION', 'data.targets')
})
