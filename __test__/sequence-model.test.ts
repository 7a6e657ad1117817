/** Models of rows of symbols and numbers: what they learn, predict and score. */
import test from 'ava'
import {
  createSequenceModel,
  NO_SYMBOL,
  type Progress,
  type SequenceDataOptions,
  type SequenceModel,
  TrainingError,
  trainCharModel,
  trainSequenceModel,
} from '../ts/index.ts'
import { bitsOf, rejectsWith, TEXT } from './fixtures/tiny-char-model.ts'
import { draws, firstSymbolRows, sumRows, TINY_ROWS } from './fixtures/tiny-sequences.ts'

const CLASSES = { ...TINY_ROWS, vocabulary: 4, predict: 'last-step', loss: 'crossEntropy' } as const
/** Two steps of f32, relative. */
const F32 = 2 ** -22
const close = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance

test('a classifier of rows of different lengths learns what the first symbol was', async (t) => {
  const events: Progress<SequenceModel>[] = []
  using model = await trainSequenceModel({
    ...CLASSES,
    data: firstSymbolRows(200),
    validationData: firstSymbolRows(50, 5, 9),
    epochs: 20,
    onProgress: (p) => events.push(p),
  })
  t.deepEqual(model.position, { step: 20 * 13, epoch: 20 }, 'the last batch of 8 rows counts')
  t.true(events.at(-1)!.model === model)
  t.true(events.at(-1)!.validation!.loss < 0.05)
  const unseen = firstSymbolRows(60, 5, 3)
  const report = await model.evaluate({ data: unseen })
  t.like(report, { predictions: 60, accuracy: 1, meanSquaredError: Number.NaN })
  t.true(close(report.perplexity, Math.exp(report.loss), 1e-9))

  const { values, shape } = await model.predict({ data: unseen, output: 'probabilities' })
  t.deepEqual(shape, [60, 4])
  let nats = 0
  unseen.targets.forEach((target, row) => {
    nats -= Math.log(values[row * 4 + target]!)
    const sum = values.slice(row * 4, row * 4 + 4).reduce((a, b) => a + b)
    t.true(close(sum, 1, 1e-6))
  })
  t.true(close(nats / 60, report.loss, 1e-5), 'the score is that of the predictions')
})

test('numbers at every step: the loss is the mean squared error of the predictions, with and without a mask', async (t) => {
  const data = sumRows(20)
  using model = await trainSequenceModel({ ...TINY_ROWS, loss: 'mse', data, epochs: 60 })
  const { values, shape } = await model.predict({ data: { inputs: data.inputs, shape: data.shape } })
  t.deepEqual(shape, [20, 6, 1])
  const mask = Uint8Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? 0 : 1))
  const errors = values.map((value, i) => (value - data.targets[i]!) ** 2)
  const mean = (weight: (i: number) => number) => {
    const weights = errors.map((_, i) => weight(i))
    return errors.reduce((sum, error, i) => sum + error * weights[i]!, 0) / weights.reduce((a, b) => a + b)
  }
  const all = await model.evaluate({ data })
  const masked = await model.evaluate({ data: { ...data, mask } })
  t.like(all, { predictions: 120, accuracy: Number.NaN, perplexity: Number.NaN })
  t.is(masked.predictions, 80)
  t.true(
    close(
      all.meanSquaredError,
      mean(() => 1),
      1e-6,
    ),
  )
  t.true(
    close(
      masked.meanSquaredError,
      mean((i) => mask[i]!),
      1e-6,
    ),
  )
  t.true(all.meanSquaredError < 0.02, `${all.meanSquaredError}`)
  t.true(close(all.rootMeanSquaredError ** 2, all.meanSquaredError, 1e-9))
  const { perplexity, loss } = model.history.at(-1)!
  t.deepEqual([perplexity, Number.isFinite(loss)], [Number.NaN, true])
})

test('the root of the mean squared error is taken over all predictions, not batch by batch', async (t) => {
  const data = sumRows(70)
  using model = await trainSequenceModel({ ...TINY_ROWS, loss: 'rmse', data, epochs: 2 })
  const report = await model.evaluate({ data })
  t.is(report.loss, report.rootMeanSquaredError)
  t.true(close(report.loss, Math.sqrt(report.meanSquaredError), 1e-12))
})

test('a textbook network with its own weights gives the textbook numbers', async (t) => {
  const layers = [{ kind: 'rnn', size: 2 }] as const
  using model = await createSequenceModel({ layers, features: 1, outputs: 1, loss: 'mse', device: 'cpu' })
  using states = await createSequenceModel({ layers, outputs: 2, projection: 'identity', loss: 'mse', device: 'cpu' })
  for (const one of [model, states]) {
    await one.setParameter('weight_ih_l0', [0.5, 0.6])
    await one.setParameter('weight_hh_l0', Float32Array.of(0.1, 0.3, 0.2, 0.4))
    await one.setParameter('bias_ih_l0', [0.1, -0.1])
    await one.setParameter('bias_hh_l0', [0, 0])
  }
  await model.setParameter('head.weight', [1, 2])
  await model.setParameter('head.bias', [0.1])
  t.deepEqual([...model.parameters().bias_ih_l0!.data], [...Float32Array.of(0.1, -0.1)])
  const data = { inputs: Float32Array.of(1, 2), shape: [1, 2, 1] }
  const outputs = await model.predict({ data })
  const hidden = await states.predict({ data })
  t.deepEqual(
    [outputs.shape, hidden.shape],
    [
      [1, 2, 1],
      [1, 2, 2],
    ],
  )
  for (const [found, expected] of [
    [outputs.values, [1.56128388, 2.72707101]],
    [hidden.values, [0.53704957, 0.46211716, 0.85973818, 0.88366641]],
  ] as const) {
    for (const [i, value] of expected.entries()) t.true(close(found[i]! / value, 1, F32), `${found[i]}`)
  }
  t.is(states.parameterCount, 2 + 4 + 2 + 2)
})

test('an input that is no symbol enters as zero', async (t) => {
  const layers = [{ kind: 'rnn', size: 3 }] as const
  using model = await createSequenceModel({ layers, vocabulary: 5, loss: 'crossEntropy', device: 'cpu' })
  const ask = (ids: number[]) => model.predict({ data: { inputs: Int32Array.from(ids), shape: [1, ids.length] } })
  const none = await ask([NO_SYMBOL, 2])
  t.deepEqual(await ask([5, 2]), none, "the vocabulary's size says the same")
  const { data: bias } = model.parameters().bias_ih_l0!
  const hidden = bias.map((b, i) => Math.tanh(b + model.parameters().bias_hh_l0!.data[i]!))
  const { data: weight } = model.parameters()['head.weight']!
  const { data: headBias } = model.parameters()['head.bias']!
  for (let c = 0; c < 5; c++) {
    const logit = hidden.reduce((sum, h, i) => sum + h * weight[c * 3 + i]!, headBias[c]!)
    t.true(close(none.values[c]!, logit, 1e-6))
  }
})

test('rows are predicted alike alone and among others, and are zero behind their ends', async (t) => {
  for (const bidirectional of [false, true]) {
    using model = await createSequenceModel({
      cell: 'lstm',
      layers: 2,
      hiddenSize: 6,
      bidirectional,
      vocabulary: 4,
      loss: 'crossEntropy',
      device: 'cpu',
      threads: 1,
    })
    const { inputs, shape, lengths } = firstSymbolRows(70)
    const all = await model.predict({ data: { inputs, shape, lengths } })
    for (const row of [0, 33, 69]) {
      const length = lengths[row]!
      const alone = await model.predict({
        data: { inputs: inputs.slice(row * 5, row * 5 + length) as Int32Array, shape: [1, length] },
      })
      const found = all.values.subarray(row * 20, row * 20 + 20)
      for (const [i, value] of alone.values.entries()) t.true(close(value, found[i]!, 1e-6))
      t.true(found.subarray(length * 4).every((value) => value === 0))
    }
  }
})

test('a long row is scored and predicted piece by piece as one', async (t) => {
  using model = await createSequenceModel({
    cell: 'gru',
    layers: 1,
    hiddenSize: 5,
    features: 1,
    loss: 'mse',
    device: 'cpu',
  })
  const steps = 600
  const inputs = Float32Array.from(draws(2 * steps))
  const targets = Float32Array.from(draws(2 * steps, 5))
  const data = { inputs, shape: [2, steps, 1], targets, lengths: [steps, 300] }
  const { values } = await model.predict({ data: { inputs, shape: data.shape, lengths: data.lengths } })
  // By hand: the carry goes through, and the second row ends within the second piece.
  const p = model.parameters()
  const w = (name: string) => p[name]!.data
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
  for (const [row, length] of [
    [0, steps],
    [1, 300],
  ] as const) {
    let h = new Array<number>(5).fill(0)
    for (let s = 0; s < length; s++) {
      const x = inputs[row * steps + s]!
      const part = (gate: number, i: number) => [
        w('weight_ih_l0')[gate * 5 + i]! * x + w('bias_ih_l0')[gate * 5 + i]!,
        h.reduce((sum, v, j) => sum + v * w('weight_hh_l0')[(gate * 5 + i) * 5 + j]!, w('bias_hh_l0')[gate * 5 + i]!),
      ]
      h = h.map((old, i) => {
        const [rx, rh] = part(0, i) as [number, number]
        const [zx, zh] = part(1, i) as [number, number]
        const [nx, nh] = part(2, i) as [number, number]
        const z = sigmoid(zx + zh)
        return (1 - z) * Math.tanh(nx + sigmoid(rx + rh) * nh) + z * old
      })
      const y = h.reduce((sum, v, i) => sum + v * w('head.weight')[i]!, w('head.bias')[0]!)
      if (!close(values[row * steps + s]!, y, 1e-5)) t.fail(`row ${row}, step ${s}: ${values[row * steps + s]}, ${y}`)
    }
  }
  t.true(values.subarray(steps + 300).every((value) => value === 0))
  t.is((await model.evaluate({ data })).predictions, 900)
})

test('windows of one long sequence train as those of a text do', async (t) => {
  const options = {
    cell: 'gru',
    layers: 1,
    hiddenSize: 12,
    batchSize: 3,
    unrollLength: 10,
    device: 'cpu',
    threads: 1,
    optimizer: { kind: 'adam', learningRate: 1e-2 },
    steps: 20,
    validation: 0,
  } as const
  using text = await trainCharModel({ ...options, corpus: { text: TEXT } })
  const ids = Int32Array.from(TEXT, (symbol) => text.vocabulary.indexOf(symbol))
  const data: SequenceDataOptions = { inputs: ids.slice(0, -1), shape: [1, ids.length - 1], targets: ids.slice(1) }
  using model = await trainSequenceModel({ ...options, vocabulary: text.vocabulary.length, loss: 'crossEntropy', data })
  t.deepEqual(await bitsOf(model), await bitsOf(text))
  const [asText, asRow] = [await text.evaluate({ text: TEXT }), await model.evaluate({ data })]
  t.true(close(asText.loss, asRow.loss, 1e-9))
})

test('shares of one long sequence are scored as the model reads: by carry, or window by window', async (t) => {
  const data = sumRows(1, 200)
  for (const [change, symbols] of [
    [{}, 40],
    [{ batches: 'shuffled', bidirectional: true }, 40],
    [{ batches: 'shuffled', predict: 'last-step' }, 40 - 8 + 1],
  ] as const) {
    const events: Progress<SequenceModel>[] = []
    using model = await trainSequenceModel({
      ...TINY_ROWS,
      ...change,
      loss: 'mse',
      data,
      batchSize: 4,
      unrollLength: 8,
      validation: 0.2,
      epochs: 1,
      onProgress: (p) => events.push(p),
    })
    t.is(model.position.step, 5)
    t.is(events.at(-1)!.validation!.symbols, symbols)
  }
})

test('a training goes on bit for bit, on the same data without naming them', async (t) => {
  const options = { ...CLASSES, data: firstSymbolRows(50), dropout: { head: 0.2 }, validation: 0.2 }
  using whole = await trainSequenceModel({ ...options, steps: 12 })
  using parted = await trainSequenceModel({ ...options, steps: 5 })
  await parted.train({ steps: 7 })
  t.deepEqual(await bitsOf(parted), await bitsOf(whole))
  t.deepEqual(parted.recipe, whole.recipe)
  await rejectsWith(t, parted.train({ steps: 1, unrollLength: 2 }), 'ERR_INVALID_OPTION', 'unrollLength')
  await parted.train({ steps: 1, data: firstSymbolRows(20), optimizer: { kind: 'sgd', learningRate: 0.1 } })
  t.is(parted.position.step, 1)
})

test('a model without recurrence is a network of rows', async (t) => {
  const inputs = Float32Array.from(draws(200))
  const targets = Int32Array.from({ length: 100 }, (_, row) => (inputs[2 * row]! > inputs[2 * row + 1]! ? 1 : 0))
  using model = await trainSequenceModel({
    ...TINY_ROWS,
    cell: undefined as never,
    hiddenSize: undefined as never,
    layers: [
      { kind: 'dense', size: 8, activation: 'tanh' },
      { kind: 'batchNorm', momentum: 0.9 },
    ],
    loss: { kind: 'crossEntropy', labelSmoothing: 0.01 },
    outputs: 2,
    data: { inputs, shape: [100, 1, 2], targets },
    epochs: 60,
  })
  t.true((await model.evaluate({ data: { inputs, shape: [100, 1, 2], targets } })).accuracy > 0.95)
})

test('an aborted training carries the model, and a disposed model says so', async (t) => {
  const options = { ...CLASSES, data: firstSymbolRows(50) }
  const aborting = new AbortController()
  const training = trainSequenceModel({
    ...options,
    epochs: 1000,
    signal: aborting.signal,
    onProgress: () => aborting.abort(),
  })
  const error = (await t.throwsAsync(training, { instanceOf: TrainingError })) as TrainingError<SequenceModel>
  t.is(error.code, 'ERR_ABORTED')
  await error.model.train({ steps: 1 })
  t.is(error.model.position.step, error.step + 1)
  error.model.dispose()
  await rejectsWith(t, error.model.evaluate({ data: firstSymbolRows(2) }), 'ERR_DISPOSED')
})
