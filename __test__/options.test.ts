import test from 'ava'
import { trainCharModel } from '../ts/char-model/train-char-model.ts'
import { momentBuffers, trainingBytes } from '../ts/model/memory.ts'
import { forgetBiases, modelSpec, parameterCount } from '../ts/model/spec.ts'
import { openSession } from '../ts/native/engine-session.ts'
import { clipOptions } from '../ts/options/clip.ts'
import { modelOptions } from '../ts/options/model.ts'
import { optimizerOptions } from '../ts/options/optimizer.ts'
import { samplingOptions } from '../ts/options/sampling.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'
import { recipeOptions } from '../ts/options/training.ts'
import { REFERENCE, TINY } from './fixtures/tiny-char-model.ts'

test('the defaults are those that the types document', (t) => {
  const { model, recipe, run, device } = trainCharModelOptions({ corpus: { text: 'a' }, epochs: 1 })
  const dropout = {
    input: { share: 0, mask: 'sequence' },
    recurrent: 0,
    perGate: false,
    output: { share: 0, mask: 'step' },
    between: 0,
  }
  const lstm = { kind: 'recurrent', cell: 'lstm', forgetBias: undefined, size: 128, bidirectional: false, dropout }
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
    batches: { order: 'consecutive', offset: 0, resetCarry: 'epoch' },
    batchSize: 50,
    unrollLength: 50,
    optimizer: {
      learningRate: 2e-3,
      spec: {
        kind: 'adam',
        flavour: 'pytorch',
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        amsgrad: false,
        weightDecay: 0,
      },
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

test('optimizers have the defaults of PyTorch', (t) => {
  const spec = (kind: string) => optimizerOptions({ kind })
  t.deepEqual(spec('sgd'), {
    learningRate: 1e-3,
    spec: { kind: 'sgd', flavour: 'pytorch', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  })
  t.deepEqual(spec('adagrad'), {
    learningRate: 1e-2,
    spec: {
      kind: 'adagrad',
      flavour: 'pytorch',
      epsilon: 1e-10,
      initialAccumulator: 0,
      learningRateDecay: 0,
      weightDecay: 0,
    },
  })
  t.deepEqual(spec('rmsprop'), {
    learningRate: 1e-2,
    spec: {
      kind: 'rmsprop',
      flavour: 'pytorch',
      alpha: 0.99,
      epsilon: 1e-8,
      initialMeanSquare: 0,
      momentum: 0,
      centered: false,
      weightDecay: 0,
    },
  })
  t.like(spec('adamw'), { learningRate: 1e-3, spec: { kind: 'adamw', weightDecay: 0.01 } })
})

test('optimizers of Keras and TensorFlow 1 have the defaults of those', (t) => {
  const optimizer = (kind: string, flavour: string) => {
    const { learningRate, spec } = optimizerOptions({
      kind,
      flavour,
      learningRate: flavour === 'tf1' ? 0.5 : undefined,
    })
    const { epsilon, alpha, initialAccumulator, initialMeanSquare, weightDecay } = spec
    return { learningRate, epsilon, start: initialAccumulator ?? initialMeanSquare, alpha, weightDecay }
  }
  const none = { epsilon: undefined, start: undefined, alpha: undefined, weightDecay: 0 }
  t.deepEqual(optimizer('sgd', 'keras'), { ...none, learningRate: 1e-2 })
  t.deepEqual(optimizer('adagrad', 'keras'), { ...none, learningRate: 1e-3, epsilon: 1e-7, start: 0.1 })
  t.deepEqual(optimizer('rmsprop', 'keras'), { ...none, learningRate: 1e-3, epsilon: 1e-7, start: 0, alpha: 0.9 })
  t.deepEqual(optimizer('adam', 'keras'), { ...none, learningRate: 1e-3, epsilon: 1e-7 })
  t.deepEqual(optimizer('adamw', 'keras'), { ...none, learningRate: 1e-3, epsilon: 1e-7, weightDecay: 0.004 })
  t.deepEqual(optimizer('sgd', 'tf1'), { ...none, learningRate: 0.5 })
  t.deepEqual(optimizer('adagrad', 'tf1'), { ...none, learningRate: 0.5, epsilon: 0, start: 0.1 })
  t.deepEqual(optimizer('rmsprop', 'tf1'), { ...none, learningRate: 0.5, epsilon: 1e-10, start: 1, alpha: 0.9 })
  t.deepEqual(optimizer('adam', 'tf1'), { ...none, learningRate: 0.5, epsilon: 1e-8 })
  t.is(optimizerOptions({ kind: 'adam', flavour: 'tf1' }).learningRate, 1e-3)
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
  const { cell: _, hiddenSize: __, ...tiny } = TINY
  const layers = [
    { kind: 'batchNorm' },
    { kind: 'lstm', size: 5, forgetBias: 2, bidirectional: true },
    { kind: 'dense', size: 6, activation: 'tanh' },
    { kind: 'dropout', share: 0.1 },
    { kind: 'gru', size: 4 },
    { kind: 'batchNorm' },
    { kind: 'rnn', form: 'separate', size: 3 },
  ]
  const given = { ...tiny, input: { embedding: 7 }, predict: 'last-step', batches: 'ordered', layers, steps: 1 }
  const model = await trainCharModel(given as never)
  const parameters = Object.entries(model.parameters()).filter(([name]) => !name.includes('moving'))
  t.is(
    model.parameterCount,
    parameters.reduce((sum, [, { data }]) => sum + data.length, 0),
  )
  t.is(parameterCount(model.spec), model.parameterCount)
  t.deepEqual([...forgetBiases(modelOptions({ layers }))], [2, Number.NaN, Number.NaN])
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
    { kind: 'sgd', flavour: 'keras', momentum: 0.9, weightDecay: 0.1 },
    { kind: 'adagrad', flavour: 'tf1', learningRate: 0.1 },
    { kind: 'rmsprop', flavour: 'tf1', learningRate: 0.1, momentum: 0.5, centered: true },
    { kind: 'adam', flavour: 'keras', amsgrad: true },
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
    layers: [
      {
        kind: 'recurrent',
        cell: 'lstm',
        size: 3,
        bidirectional: false,
        dropout: { input: 0, recurrent: 0, perGate: false },
      },
    ],
    head: { predict: 'lastStep', size: 9, projection: 'linear', dropout: 0 },
    loss: { kind: 'crossEntropy', labelSmoothing: 0, reduction: 'mean' },
  })
})
