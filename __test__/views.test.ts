import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { CharModel, type Matrix, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { GPU, gpuTest } from './fixtures/gpu.ts'
import { rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const { cell: _, layers: __, hiddenSize: ___, ...SIZES } = TINY
const PIECE = TEXT.slice(37, 67)
const trained = (options: object, steps = 40): Promise<CharModel> =>
  trainCharModel({ ...TINY, ...options, steps } as TrainCharModelOptions)
const at = ({ shape: [, columns], data }: Matrix, row: number, column: number) => data[row * columns + column]!
const close = (a: number, b: number, by = 1e-5) => Math.abs(a - b) <= by * Math.max(1, Math.abs(b))

test('an LSTM unrolled has its states, gates by name, and the probabilities that its score is made of', async (t) => {
  const model = await trained({ cell: 'lstm', layers: 2, hiddenSize: 5 })
  const { symbols, layers, probabilities } = await model.unroll(PIECE)
  t.deepEqual(symbols, [...PIECE])
  t.deepEqual(probabilities.shape, [30, model.vocabulary.length])
  t.deepEqual(
    layers.map(({ layer, direction, cell }) => [layer, direction, cell]),
    [
      [0, 'forward', 'lstm'],
      [1, 'forward', 'lstm'],
    ],
  )
  for (const { hidden, cellState, gates } of layers) {
    t.deepEqual(Object.keys(gates), ['i', 'f', 'g', 'o'])
    for (const values of [hidden, cellState!, ...Object.values(gates)]) t.deepEqual(values.shape, [30, 5])
    for (let row = 0; row < 30; row++) {
      for (let unit = 0; unit < 5; unit++) {
        const gate = (name: string) => at(gates[name]!, row, unit)
        const before = row === 0 ? 0 : at(cellState!, row - 1, unit)
        const c = gate('f') * before + gate('i') * gate('g')
        t.true(close(at(cellState!, row, unit), c) && close(at(hidden, row, unit), gate('o') * Math.tanh(c)))
      }
    }
  }
  let nats = 0
  for (let row = 0; row < 29; row++)
    nats -= Math.log(at(probabilities, row, model.vocabulary.indexOf(symbols[row + 1]!)))
  const { loss } = await model.evaluate({ text: PIECE })
  t.true(close(nats / 29, loss), `${nats / 29}, ${loss}`)
})

test('cells without c have none, and each names its own gates', async (t) => {
  for (const [cell, names] of [
    ['gru', ['r', 'z', 'n']],
    ['rnn', ['h']],
    [{ kind: 'rnn', form: 'separate' }, ['x']],
  ] as const) {
    const [layer] = (await (await trained({ cell }, 1)).unroll('The')).layers
    t.deepEqual(Object.keys(layer!.gates), names)
    t.false('cellState' in layer!)
  }
})

test('both directions stand in the order of the text, and a last-step model predicts after it', async (t) => {
  const model = await trained({ cell: 'gru', bidirectional: true, predict: 'last-step', batches: 'sampled' })
  const whole = await model.unroll(PIECE)
  t.deepEqual(
    whole.layers.map(({ layer, direction }) => [layer, direction]),
    [
      [0, 'forward'],
      [0, 'reverse'],
    ],
  )
  t.deepEqual(whole.probabilities.shape, [1, model.vocabulary.length])
  const sum = whole.probabilities.data.reduce((total, p) => total + p, 0)
  t.true(close(sum, 1))
  // What reads from the end has at position 20 the state that it has at the beginning of the rest.
  const rest = await model.unroll(PIECE.slice(20))
  for (let unit = 0; unit < 12; unit++) {
    t.true(close(at(whole.layers[1]!.hidden, 20, unit), at(rest.layers[1]!.hidden, 0, unit)))
  }
})

test('gradient norms are of the last loss or of every one, and say what clipping does', async (t) => {
  const model = await trained({ cell: 'lstm', clip: { norm: 0.01 } })
  const last = await model.gradientNorms(PIECE)
  t.deepEqual(last.symbols, [...PIECE.slice(0, -1)])
  t.is(last.layers[0]!.norms.length, 29)
  const { probabilities } = await model.unroll(PIECE.slice(0, -1))
  t.true(close(last.loss, -Math.log(at(probabilities, 28, model.vocabulary.indexOf(PIECE.at(-1)!)))))
  const every = await model.gradientNorms(PIECE, { loss: 'every' })
  t.true(close(every.loss, (await model.evaluate({ text: PIECE })).loss))
  t.notDeepEqual(every.layers, last.layers)
  t.true(every.globalNorm > 0.01)
  t.true(close(every.clippedNorm, 0.01))
  const { clippedNorm, globalNorm } = await (await trained({ clip: false }, 1)).gradientNorms(PIECE)
  t.is(clippedNorm, globalNorm)
  const byValue = await (await trained({ clip: { value: 1e-4 } }, 1)).gradientNorms(PIECE)
  t.true(byValue.clippedNorm < byValue.globalNorm && byValue.clippedNorm > 0)
})

test('the gradient of a small tanh vanishes, that of an LSTM that forgets little does not', async (t) => {
  // So small a rate leaves the initial values as they are.
  const still = { optimizer: { kind: 'sgd', learningRate: 1e-30 }, hiddenSize: 16 }
  const ratio = async (options: object) => {
    const [layer] = (await (await trained({ ...still, ...options }, 1)).gradientNorms(PIECE)).layers
    return layer!.norms[0]! / layer!.norms.at(-1)!
  }
  t.true((await ratio({ cell: 'rnn', init: { normal: 0.1 } })) < 1e-6)
  t.true((await ratio({ cell: { kind: 'lstm', forgetBias: 5 } })) > 1e-2)
})

for (const [name, options] of [
  ['an LSTM', { cell: 'lstm', layers: 2, dropout: { between: 0.2, recurrent: 0.2 } }],
  ['an LSTM on the CPU', { cell: 'lstm', layers: 2, device: 'cpu' }],
  ['a GRU', { cell: 'gru', input: { embedding: 5 } }],
  ['the separate form', { cell: { kind: 'rnn', form: 'separate' }, loss: { labelSmoothing: 0.1 } }],
  ['two directions', { bidirectional: true, predict: 'last-step', batches: 'ordered' }],
  [
    'batch normalisation',
    { cell: undefined, layers: [{ kind: 'batchNorm' }, { kind: 'gru', size: 6 }], hiddenSize: undefined },
  ],
] as const) {
  test(`the gradients of ${name} are those of central differences`, async (t) => {
    const model = await trained(options)
    const check = await model.checkGradients({ text: PIECE })
    t.true(check.largestError < 1e-3, JSON.stringify(check))
    t.true(check.checked >= 5 * 5)
    t.true(check.worst.tensor in model.parameters())
    t.notDeepEqual(await model.checkGradients({ seed: 2 }), check)
  })
}

test('the same draws give the same check, and a tensor smaller than they are is checked as a whole', async (t) => {
  const model = await trained({ hiddenSize: 2 })
  t.deepEqual(await model.checkGradients(), await model.checkGradients({ seed: 1, draws: 5 }))
  t.is((await model.checkGradients({ draws: 10_000 })).checked, model.parameterCount)
})

test('views leave the model and its training as they are, and may be had while it goes on', async (t) => {
  const parameters = async (onProgress: TrainCharModelOptions['onProgress']) =>
    (await trainCharModel({ ...TINY, epochs: 2, onProgress: onProgress! })).parameters()
  const looked = await parameters(async ({ model }) => {
    await model.unroll('The')
    await model.gradientNorms('The')
    await model.checkGradients({ draws: 1 })
  })
  t.deepEqual(looked, await parameters(() => {}))
})

test('what cannot be viewed is refused', async (t) => {
  const model = await trained({ predict: 'last-step' }, 1)
  await rejectsWith(t, model.unroll(''), 'ERR_CORPUS_TOO_SHORT', 'text')
  await rejectsWith(t, model.unroll('TΩ'), 'ERR_UNKNOWN_SYMBOL', 'text')
  await rejectsWith(t, model.unroll(3 as never), 'ERR_INVALID_OPTION', 'text')
  await rejectsWith(t, model.unroll('The', { sginal: 1 } as never), 'ERR_UNKNOWN_OPTION', 'sginal')
  await rejectsWith(t, model.gradientNorms('T'), 'ERR_CORPUS_TOO_SHORT', 'text')
  await rejectsWith(t, model.gradientNorms('The', { loss: 'every' }), 'ERR_INVALID_OPTION', 'loss')
  await rejectsWith(t, model.gradientNorms('The', { loss: 'all' as never }), 'ERR_INVALID_OPTION', 'loss')
  await rejectsWith(t, model.checkGradients({ draws: 0 }), 'ERR_INVALID_OPTION', 'draws')
  await rejectsWith(t, model.checkGradients({ text: 'T' }), 'ERR_CORPUS_TOO_SHORT', 'text')
  t.is((await rejectsWith(t, model.checkGradients({ signal: AbortSignal.abort(3) }), 'ERR_ABORTED')).cause, 3)
  model.dispose()
  await rejectsWith(t, model.unroll('The'), 'ERR_DISPOSED')
})

gpuTest('a GPU shows what the CPU shows, and its gradients are right', async (t) => {
  const layers = [
    { kind: 'batchNorm' },
    { kind: 'lstm', size: 7, bidirectional: true },
    { kind: 'rnn', form: 'separate', size: 5 },
  ]
  const options = { ...SIZES, layers, predict: 'last-step', batches: 'ordered', steps: 3 } as TrainCharModelOptions
  const model = await trainCharModel({ ...options, ...GPU })
  const file = join(await mkdtemp(join(tmpdir(), 'rnnkit-')), 'views.safetensors')
  await model.save(file)
  const onCpu = await CharModel.load(file, { device: 'cpu' })
  const [seen, expected] = [await model.unroll(PIECE), await onCpu.unroll(PIECE)]
  for (const [i, { hidden, cellState, gates }] of expected.layers.entries()) {
    const { hidden: h, cellState: c, gates: g } = seen.layers[i]!
    t.true(same(h, hidden) && (cellState === undefined || same(c!, cellState)))
    for (const [name, values] of Object.entries(gates)) t.true(same(g[name]!, values), name)
  }
  t.true(same(seen.probabilities, expected.probabilities))
  const [norms, expectedNorms] = [await model.gradientNorms(PIECE), await onCpu.gradientNorms(PIECE)]
  for (const [i, { norms: expected }] of expectedNorms.layers.entries()) {
    t.true(expected.every((norm, at) => close(norms.layers[i]!.norms[at]!, norm)))
  }
  const check = await model.checkGradients({ text: PIECE })
  t.true(check.largestError < 1e-3, JSON.stringify(check))
})

function same(a: Matrix, b: Matrix): boolean {
  return a.data.length === b.data.length && a.data.every((value, i) => close(value, b.data[i]!))
}
