/** The teaching views of a model of sequences, against what the same model predicts and scores. */
import test from 'ava'
import { createSequenceModel, type Matrix, NO_SYMBOL, type SequenceModel } from '../ts/index.ts'
import { rejectsWith } from './fixtures/tiny-char-model.ts'
import { sumRows } from './fixtures/tiny-sequences.ts'

const NUMBERS = { layers: 1, hiddenSize: 4, features: 2, loss: 'mse', device: 'cpu' } as const
const SYMBOLS = { cell: 'gru', layers: 1, hiddenSize: 4, vocabulary: 5, loss: 'crossEntropy', device: 'cpu' } as const
const IDS = { inputs: Int32Array.of(NO_SYMBOL, 3, 0, 2, 4), shape: [1, 5] }
const close = (a: number, b: number, by = 1e-5) => Math.abs(a - b) <= by * Math.max(1, Math.abs(b))
const near = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length && Array.from(a).every((value, i) => close(value, b[i]!))
const row = ({ shape: [, columns], data }: Matrix, t: number) => data.slice(t * columns, (t + 1) * columns)

test('the textbook’s two steps: states and outputs to 7 digits', async (t) => {
  using model = await createSequenceModel({ ...NUMBERS, cell: 'rnn', hiddenSize: 2, features: 1 })
  await model.setParameter('weight_ih_l0', [0.5, 0.6])
  await model.setParameter('weight_hh_l0', [0.1, 0.3, 0.2, 0.4])
  await model.setParameter('bias_ih_l0', [0.1, -0.1])
  await model.setParameter('bias_hh_l0', [0, 0])
  await model.setParameter('head.weight', [1, 2])
  await model.setParameter('head.bias', [0.1])
  const { layers, outputs } = await model.unroll({ data: { inputs: Float32Array.of(1, 2), shape: [1, 2, 1] } })
  const states = [0.53704957, 0.46211716, 0.85973818, 0.88366641]
  t.true(states.every((state, i) => Math.abs(layers[0]!.hidden.data[i]! - state) < 1e-7))
  t.true([1.56128388, 2.72707101].every((output, i) => Math.abs(outputs.data[i]! - output) < 1e-6))
})

test('what unroll says is what predict says, and no symbol enters as zero', async (t) => {
  using model = await createSequenceModel(SYMBOLS)
  const { layers, outputs } = await model.unroll({ data: IDS })
  t.deepEqual(layers[0]!.hidden.shape, [5, 4])
  t.deepEqual(Object.keys(layers[0]!.gates), ['r', 'z', 'n'])
  const { values, shape } = await model.predict({ data: IDS })
  t.deepEqual([1, ...outputs.shape], shape)
  t.true(near(outputs.data, values))
  // Without an input the reset gate of the first step is the sigmoid of its biases alone.
  const { bias_ih_l0, bias_hh_l0 } = model.parameters()
  const reset = [0, 1, 2, 3].map((unit) => 1 / (1 + Math.exp(-bias_ih_l0!.data[unit]! - bias_hh_l0!.data[unit]!)))
  t.true(near(row(layers[0]!.gates.r!, 0), reset))
})

test('gradient norms: of numbers, and of the steps that the mask leaves', async (t) => {
  using model = await createSequenceModel({ ...NUMBERS, cell: 'lstm', outputs: 1 })
  const data = sumRows(1)
  const all = await model.gradientNorms({ data })
  t.true(close(all.loss, (await model.evaluate({ data })).loss))
  t.true(all.layers[0]!.norms.every((norm) => norm > 0))
  // Nothing is asked behind the third step, so nothing flows back from there.
  const first = await model.gradientNorms({ data: { ...data, mask: [1, 1, 1, 0, 0, 0] } })
  t.deepEqual(
    Array.from(first.layers[0]!.norms, (norm) => norm > 0),
    [true, true, true, false, false, false],
  )
  t.true(close(first.clippedNorm, Math.min(5, first.globalNorm)))
})

test('a last-step model is asked at the end of the row', async (t) => {
  using model = await createSequenceModel({ ...SYMBOLS, predict: 'last-step', outputs: 3 })
  const { outputs } = await model.unroll({ data: IDS })
  t.deepEqual(outputs.shape, [1, 3])
  const powers = Array.from(outputs.data, Math.exp)
  const { loss } = await model.gradientNorms({ data: { ...IDS, targets: Int32Array.of(1) } })
  t.true(close(loss, -Math.log(powers[1]! / powers.reduce((a, b) => a + b))))
})

test('a view looks at one row, as long as it is', async (t) => {
  using model: SequenceModel = await createSequenceModel(SYMBOLS)
  const two = { inputs: Int32Array.of(0, 1, 2, 3), shape: [2, 2] }
  await rejectsWith(t, model.unroll({ data: two }), 'ERR_INVALID_OPTION', 'data.shape[0]')
  const cut = { ...IDS, lengths: [3] }
  await rejectsWith(t, model.unroll({ data: cut }), 'ERR_INVALID_OPTION', 'data.lengths')
  const wrong = { inputs: Int32Array.of(0, 7), shape: [1, 2] }
  await rejectsWith(t, model.unroll({ data: wrong }), 'ERR_INVALID_OPTION', 'data.inputs[1]')
  model.dispose()
  await rejectsWith(t, model.unroll({ data: IDS }), 'ERR_DISPOSED')
})
