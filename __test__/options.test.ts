import test from 'ava'
import { trainCharModel } from '../ts/char-model/train-char-model.ts'
import { momentBuffers, trainingBytes } from '../ts/model/memory.ts'
import { forgetBiases, modelSpec, parameterCount } from '../ts/model/spec.ts'
import { openSession } from '../ts/native/engine-session.ts'
import { modelOptions } from '../ts/options/model.ts'
import { clipOptions, optimizerOptions } from '../ts/options/optimizer.ts'
import { samplingOptions } from '../ts/options/sampling.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'
import { recipeOptions } from '../ts/options/training.ts'
import { REFERENCE, TINY } from './fixtures/tiny-char-model.ts'

test('the defaults are those that the types document', (t) => {
  const { model, recipe, run, device } = trainCharModelOptions({ corpus: { text: 'a' }, epochs: 1 })
  const lstm = { kind: 'recurrent', cell: 'lstm', forgetBias: undefined, size: 128, dropout: 0 }
  t.deepEqual(model, {
    listed: false,
    layers: [lstm, lstm],
    embedding: 0,
    predict: 'every-step',
    headDropout: 0,
    init: 'pytorch',
    loss: { labelSmoothing: 0, reduction: 'mean' },
  })
  t.deepEqual(recipe, {
    given: {},
    batches: { order: 'consecutive', offset: 0 },
    batchSize: 50,
    unrollLength: 50,
    optimizer: {
      learningRate: 2e-3,
      spec: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weightDecay: 0 },
    },
    schedule: { kind: 'constant', warmup: 0 },
    clip: { kind: 'norm', theta: 5, epsilon: 0 },
    seed: 1,
    validation: { share: 0.1, every: { unit: 'epochs', every: 1 } },
    test: { share: 0, every: undefined },
  })
  t.is(run.maxSeconds, Number.POSITIVE_INFINITY)
  t.like(device, { name: 'auto', precision: 'f32', adapter: undefined, form: undefined, onLost: 'cpu' })
})

test('dropout acts after every recurrent layer but the last, unless a layer says otherwise', (t) => {
  const dropouts = (options: object) =>
    modelOptions(options).layers.map((layer) => (layer.kind === 'dense' ? '-' : layer.dropout))
  t.deepEqual(dropouts({ layers: 3, dropout: { between: 0.3 } }), [0.3, 0.3, 0])
  const [gru, dense] = [
    { kind: 'gru', size: 4 },
    { kind: 'dense', size: 4 },
  ]
  t.deepEqual(dropouts({ layers: [gru, dense, gru, dense], dropout: { between: 0.3 } }), [0.3, '-', 0, '-'])
  t.deepEqual(dropouts({ layers: [gru, { ...gru, dropout: { between: 0.1 } }] }), [0, 0.1])
})

test('optimizers have the defaults of PyTorch', (t) => {
  const spec = (kind: string) => optimizerOptions({ kind })
  t.deepEqual(spec('sgd'), {
    learningRate: 1e-3,
    spec: { kind: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  })
  t.deepEqual(spec('adagrad'), {
    learningRate: 1e-2,
    spec: { kind: 'adagrad', epsilon: 1e-10, initialAccumulator: 0, learningRateDecay: 0, weightDecay: 0 },
  })
  t.deepEqual(spec('rmsprop'), {
    learningRate: 1e-2,
    spec: { kind: 'rmsprop', alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  })
  t.like(spec('adamw'), { learningRate: 1e-3, spec: { kind: 'adamw', weightDecay: 0.01 } })
})

test('clipping is by norm, by value, or off', (t) => {
  t.deepEqual(clipOptions({ norm: 2, epsilon: 1e-6 }), { kind: 'norm', theta: 2, epsilon: 1e-6 })
  t.deepEqual(clipOptions({ value: 1 }), { kind: 'value', limit: 1 })
  t.deepEqual(clipOptions(false), { kind: 'none' })
})

test('a recipe can be made again from the options it was given', (t) => {
  const given = {
    schedule: { kind: 'linear', after: 'constant', warmup: 3 },
    validation: { share: 0.2, every: { steps: 5 } },
    batches: 'sampled',
  }
  const recipe = recipeOptions(given)
  t.deepEqual(recipeOptions(JSON.parse(JSON.stringify(recipe.given))), recipe)
  given.validation.every.steps = 7
  t.deepEqual(recipeOptions(recipe.given), recipe, 'a copy does not change with the original')
})

test('temperature 0 crosses as greedy, topK left out as all', (t) => {
  t.deepEqual(samplingOptions({ temperature: 0 }).choice, { temperature: 0, topK: 0, topP: 1, minP: 0, greedy: true })
  t.deepEqual(samplingOptions({ greedy: true }).choice, samplingOptions({ temperature: 0 }).choice)
  t.false(samplingOptions(undefined).choice.greedy)
})

test('the parameters are counted as the engine lays them out', async (t) => {
  const options = {
    ...TINY,
    cell: undefined,
    hiddenSize: undefined,
    input: { embedding: 7 },
    layers: [
      { kind: 'lstm', size: 5, forgetBias: 2 },
      { kind: 'dense', size: 6, activation: 'tanh' },
      { kind: 'gru', size: 4 },
      { kind: 'rnn', size: 3 },
    ],
    steps: 1,
  }
  const { cell: _, hiddenSize: __, ...given } = options
  const model = await trainCharModel(given as never)
  const parameters = Object.values(model.parameters())
  t.is(
    model.parameterCount,
    parameters.reduce((sum, { data }) => sum + data.length, 0),
  )
  t.is(parameterCount(model.spec), model.parameterCount)
  t.deepEqual([...forgetBiases(modelOptions(given))], [2, Number.NaN, Number.NaN])
})

test('the memory estimate counts the moments that the engine keeps, and packed copies on the CPU', async (t) => {
  const spec = modelSpec(modelOptions({ cell: 'gru', layers: 1, hiddenSize: 4 }), 5)
  const session = await openSession(spec, REFERENCE, Number.POSITIVE_INFINITY)
  for (const given of [
    { kind: 'sgd' },
    { kind: 'sgd', momentum: 0.9 },
    { kind: 'adagrad' },
    { kind: 'rmsprop' },
    { kind: 'rmsprop', momentum: 0.5 },
    { kind: 'rmsprop', momentum: 0.5, centered: true },
    { kind: 'adam' },
    { kind: 'adamw', amsgrad: true },
  ]) {
    const optimizer = optimizerOptions(given).spec
    await session.configure({ optimizer, clip: clipOptions(false), seed: 1 })
    const { moments } = await session.trainingState()
    t.is(momentBuffers(optimizer), moments.length, JSON.stringify(given))
  }
  session.close()
  const [one, other] = [1, 3].map((moments) => trainingBytes(spec, { moments, lanes: 1, time: 1, device: 'reference' }))
  t.is(other! - one!, 2 * 4 * parameterCount(spec))
  t.is(trainingBytes(spec, { moments: 1, lanes: 1, time: 1, device: 'cpu' }) - one!, 3 * 4 * parameterCount(spec))
})

test('the spec that crosses says what the options say', (t) => {
  const spec = modelSpec(
    modelOptions({ cell: { kind: 'lstm', forgetBias: 1 }, layers: 1, hiddenSize: 3, predict: 'last-step' }),
    9,
  )
  t.deepEqual(spec, {
    input: { kind: 'oneHot', vocabulary: 9 },
    layers: [{ kind: 'recurrent', cell: 'lstm', size: 3, dropout: 0 }],
    head: { predict: 'lastStep', size: 9, projection: 'linear', dropout: 0 },
    loss: { kind: 'crossEntropy', labelSmoothing: 0, reduction: 'mean' },
  })
})
