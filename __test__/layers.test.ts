import test from 'ava'
import { trainingBytes } from '../ts/model/memory.ts'
import { modelSpec } from '../ts/model/spec.ts'
import { modelOptions } from '../ts/options/model.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'

const specOf = (options: object) => modelSpec(modelOptions(options), 9)
/** The engine's layers in few words. */
const layersOf = (options: object) =>
  specOf(options).layers.map((layer) => {
    if (layer.kind === 'dropout') return `drop ${layer.rate} ${layer.mask}`
    if (layer.kind !== 'recurrent') return layer.kind
    const { input, recurrent, perGate } = layer.dropout
    return `${layer.cell}${input > 0 ? ` input ${input}` : ''}${recurrent > 0 ? ` recurrent ${recurrent}` : ''}${perGate ? ' per gate' : ''}`
  })

test('dropout between layers acts after every recurrent layer but the last, unless a layer says otherwise', (t) => {
  t.deepEqual(layersOf({ cell: 'gru', layers: 3, dropout: { between: 0.3 } }), [
    'gru',
    'drop 0.3 step',
    'gru',
    'drop 0.3 step',
    'gru',
  ])
  const gru = { kind: 'gru', size: 4 }
  const dense = { kind: 'dense', size: 4 }
  t.deepEqual(layersOf({ layers: [gru, dense, gru, dense], dropout: { between: 0.3 } }), [
    'gru',
    'drop 0.3 step',
    'dense',
    'gru',
    'dense',
  ])
  t.deepEqual(layersOf({ layers: [gru, { ...gru, dropout: { between: 0.1 } }] }), ['gru', 'gru', 'drop 0.1 step'])
})

test("Keras's dropout lies within the layer, the wrapper's around it", (t) => {
  const keras = { input: 0.1, recurrent: 0.2, perGate: true }
  t.deepEqual(layersOf({ layers: 1, dropout: keras }), ['lstm input 0.1 recurrent 0.2 per gate'])
  const wrapper = { input: { share: 0.1, mask: 'step' }, output: 0.2 }
  t.deepEqual(layersOf({ layers: 2, dropout: wrapper }), [
    'drop 0.1 step',
    'lstm',
    'drop 0.2 step',
    'drop 0.1 step',
    'lstm',
    'drop 0.2 step',
  ])
  const variational = { input: { share: 0.1, mask: 'batch' }, output: { share: 0.2, mask: 'batch' } }
  t.deepEqual(layersOf({ layers: 1, dropout: variational }), ['drop 0.1 batch', 'lstm', 'drop 0.2 batch'])
})

test("a layer's own dropout stands before the model's, option by option", (t) => {
  const own = { kind: 'gru', size: 4, dropout: { input: 0, output: { share: 0.5, mask: 'sequence' } } }
  t.deepEqual(layersOf({ layers: [own, { kind: 'gru', size: 4 }], dropout: { input: 0.1, recurrent: 0.2 } }), [
    'gru recurrent 0.2',
    'drop 0.5 sequence',
    'gru input 0.1 recurrent 0.2',
  ])
})

test('a mask for each gate is refused where no mask stands for all time steps', (t) => {
  const layer = (dropout: object) => ({ layers: [{ kind: 'gru', size: 4, dropout }] })
  const refused = (options: object, field: string) =>
    t.throws(() => modelOptions(options), { message: RegExp(`^${field}`) })
  refused({ dropout: { perGate: true } }, 'dropout.perGate is true')
  refused(layer({ perGate: true, input: { share: 0.1, mask: 'step' } }), 'layers\\[0\\].dropout.perGate is true')
  t.deepEqual(layersOf({ ...layer({ perGate: true }), dropout: { recurrent: 0.1 } }), ['gru recurrent 0.1 per gate'])
  t.deepEqual(layersOf({ ...layer({ recurrent: 0.1 }), dropout: { perGate: true } }), ['gru recurrent 0.1 per gate'])
})

test('batch normalisation has the defaults of Keras, and dropout may be a layer', (t) => {
  const layers = [{ kind: 'batchNorm' }, { kind: 'lstm', size: 4 }, { kind: 'dropout', share: 0.2, mask: 'sequence' }]
  t.deepEqual(specOf({ layers }).layers, [
    { kind: 'batchNorm', momentum: 0.99, epsilon: 1e-3, frozen: false },
    specOf({ layers: 1, hiddenSize: 4 }).layers[0]!,
    { kind: 'dropout', rate: 0.2, mask: 'sequence' },
  ])
})

test('both directions and the separate form are said to the engine', (t) => {
  const [first, second] = specOf({ layers: 2, hiddenSize: 4, bidirectional: true }).layers
  t.like(first, { bidirectional: true })
  t.deepEqual(second, first)
  t.deepEqual(layersOf({ layers: 1, cell: { kind: 'rnn', form: 'separate' } }), ['elmanTanhSeparate'])
  const relu = { kind: 'rnn', activation: 'relu', form: 'separate', size: 4 }
  t.deepEqual(layersOf({ layers: [relu] }), ['elmanReluSeparate'])
})

test('sixteen layers may have as many dropout layers among them', (t) => {
  const gru = { kind: 'gru', size: 2, dropout: { input: { share: 0.1, mask: 'step' }, output: 0.1, between: 0.1 } }
  const dropout = { kind: 'dropout', share: 0.1 }
  const many = Array.from({ length: 16 }, () => [gru, dropout]).flat()
  t.is(specOf({ layers: many }).layers.length, 80)
  for (const layers of [[...many, gru], [...many, dropout], Array(17).fill(gru), Array(1000).fill(dropout)]) {
    t.throws(() => modelOptions({ layers }), { message: /must be a list of 1 to 16 layers/ })
  }
})

test('what stands beside a list of layers is refused where the list says it', (t) => {
  for (const key of ['cell', 'hiddenSize', 'bidirectional']) {
    t.throws(() => modelOptions({ [key]: true, layers: [{ kind: 'gru', size: 4 }] }), {
      message: RegExp(`^${key} is true`),
    })
  }
})

test('a model of text in two directions is one that predicts at the last step of windows from zero', (t) => {
  const both = { corpus: { text: 'a' }, steps: 1, bidirectional: true, predict: 'last-step' }
  for (const batches of ['shuffled', 'ordered', 'sampled', { order: 'consecutive', resetCarry: 'batch' }]) {
    t.notThrows(() => trainCharModelOptions({ ...both, batches }))
  }
  t.throws(() => trainCharModelOptions({ ...both, batches: { resetCarry: 'never' } }), {
    message: /^batches.resetCarry is "never"/,
  })
  t.throws(() => trainCharModelOptions({ ...both, batches: 'shuffled', predict: 'every-step' }), {
    message: /^predict is/,
  })
})

test('the memory of a window grows with directions, masks for gates and rows of a one-hot input', (t) => {
  const size = { moments: 0, lanes: 2, time: 3, device: 'cpu' } as const
  const window = (options: object) => {
    const spec = specOf({ layers: 1, hiddenSize: 4, ...options })
    const none = trainingBytes(spec, { ...size, time: 0 })
    return trainingBytes(spec, size) - none
  }
  const plain = window({})
  t.is(plain, 4 * 2 * 3 * ((2 * 4 + 2) * 4 + 9))
  t.true(window({ bidirectional: true }) > 2 * plain)
  t.true(window({ dropout: { input: 0.1, perGate: true } }) > window({ dropout: { input: 0.1 } }))
  t.is(window({ dropout: { input: 0.1 } }) - plain, 4 * 2 * 3 * (2 * 9 + 2 * 9))
})
