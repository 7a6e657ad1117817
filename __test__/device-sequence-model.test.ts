/** Models of rows are the same on every device: all kinds of windows, on the CPU's kernels and on a GPU against the oracle. */
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { type DeviceOptions, type TrainSequenceModelOptions, trainSequenceModel } from '../ts/index.ts'
import { GPU, gpuTest } from './fixtures/gpu.ts'
import { firstSymbolRows, sumRows, TINY_ROWS } from './fixtures/tiny-sequences.ts'

const CLASSES = {
  ...TINY_ROWS,
  vocabulary: 4,
  loss: 'crossEntropy',
  data: firstSymbolRows(44),
  predict: 'last-step',
} as const
const NUMBERS = {
  ...TINY_ROWS,
  loss: 'mse',
  data: { ...sumRows(20), mask: [1, 0, 1, 1, 1].concat(new Array(115).fill(1)) },
} as const
const LENGTHS = Array.from({ length: 20 }, (_, row) => 1 + (row % 6))

/** Lengths, empty lanes, two directions, masks, dropout of a whole sequence and batch normalisation. */
const KINDS: [string, Omit<TrainSequenceModelOptions, 'epochs' | 'steps'>][] = [
  ['rows of symbols with lengths', CLASSES],
  ['two directions', { ...CLASSES, bidirectional: true, cell: 'lstm', layers: 2, input: { embedding: 3 } }],
  ['masked numbers', { ...NUMBERS, data: { ...NUMBERS.data, lengths: LENGTHS } }],
  ['variational dropout', { ...NUMBERS, loss: 'rmse', dropout: { input: 0.2, recurrent: 0.3, perGate: true } }],
  [
    'layers of all kinds',
    {
      ...TINY_ROWS,
      cell: undefined as never,
      hiddenSize: undefined as never,
      layers: [
        { kind: 'dense', size: 5, activation: 'tanh' },
        { kind: 'batchNorm' },
        { kind: 'rnn', size: 6, form: 'separate' },
      ],
      loss: 'mse',
      data: { ...sumRows(20), lengths: LENGTHS },
    },
  ],
]

/** Relative difference of losses after 12 steps; sums in another order differ by some 1e-6. */
const TOLERANCE = 2e-4

async function agrees(
  t: ExecutionContext,
  device: DeviceOptions,
  options: Omit<TrainSequenceModelOptions, 'epochs' | 'steps'>,
): Promise<void> {
  const scores = []
  for (const on of [device, { device: 'reference' } as const]) {
    using model = await trainSequenceModel({ ...options, ...on, threads: 1, steps: 12 } as TrainSequenceModelOptions)
    const { loss } = await model.evaluate({ data: options.data })
    const { values } = await model.predict({ data: options.data })
    scores.push({ trained: model.history.at(-1)!.loss, loss, values })
  }
  const [found, expected] = scores as [(typeof scores)[0], (typeof scores)[0]]
  for (const name of ['trained', 'loss'] as const) {
    t.true(Math.abs(found[name] / expected[name] - 1) < TOLERANCE, `${name}: ${found[name]}, ${expected[name]}`)
  }
  const furthest = Math.max(...found.values.map((value, i) => Math.abs(value - expected.values[i]!)))
  t.true(furthest < 1e-3, `predictions differ by ${furthest}`)
}

for (const [name, options] of KINDS) {
  test(`${name} on the CPU`, (t) => agrees(t, { device: 'cpu' }, options))
  gpuTest(`${name} on a GPU`, (t) => agrees(t, GPU, options))
}
