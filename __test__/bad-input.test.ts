import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import test from 'ava'
import { CharModel, type ErrorCode, type LoadOptions, trainCharModel } from '../ts/index.ts'
import { rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

type Options = Record<string, unknown>
const train = (options: Options) => trainCharModel(options as never)
const base: Options = { ...TINY, steps: 1 }

/** [options beside the tiny ones, code, field] */
const OPTIONS: [Options, ErrorCode, string][] = [
  [{ learningRate: 1 }, 'ERR_UNKNOWN_OPTION', 'learningRate'],
  [{ batchsize: 1 }, 'ERR_UNKNOWN_OPTION', 'batchsize'],
  [{ corpus: undefined }, 'ERR_MISSING_OPTION', 'corpus'],
  [{ corpus: {} }, 'ERR_MISSING_OPTION', 'corpus'],
  [{ corpus: { text: 'a', txet: 'b' } }, 'ERR_UNKNOWN_OPTION', 'corpus.txet'],
  [{ corpus: { text: 'a', files: ['b'] } }, 'ERR_INVALID_OPTION', 'corpus'],
  [{ steps: undefined }, 'ERR_MISSING_OPTION', 'epochs'],
  [{ epochs: 1 }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: 0 }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: 1.5 }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: 2 ** 53 }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: 3n }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: '3' }, 'ERR_INVALID_OPTION', 'steps'],
  [{ steps: undefined, epochs: null }, 'ERR_INVALID_OPTION', 'epochs'],
  [{ steps: undefined, epochs: Number.POSITIVE_INFINITY }, 'ERR_INVALID_OPTION', 'epochs'],
  [{ maxSeconds: 0 }, 'ERR_INVALID_OPTION', 'maxSeconds'],
  [{ maxSeconds: Number.NaN }, 'ERR_INVALID_OPTION', 'maxSeconds'],
  [{ vocabulary: { unit: 'chars' } }, 'ERR_INVALID_OPTION', 'vocabulary.unit'],
  [{ vocabulary: { minCount: 2 } }, 'ERR_INVALID_OPTION', 'vocabulary.unknown'],
  [{ cell: 'ltsm' }, 'ERR_INVALID_OPTION', 'cell'],
  [{ cell: null }, 'ERR_INVALID_OPTION', 'cell'],
  [{ cell: { kind: 'gru', activation: 'tanh' } }, 'ERR_UNKNOWN_OPTION', 'cell.activation'],
  [{ cell: { kind: 'rnn', activation: 'sigmoid' } }, 'ERR_INVALID_OPTION', 'cell.activation'],
  [{ cell: { kind: 'lstm', forgetBias: Number.NaN } }, 'ERR_INVALID_OPTION', 'cell.forgetBias'],
  [{ layers: 0 }, 'ERR_INVALID_OPTION', 'layers'],
  [{ layers: 17 }, 'ERR_INVALID_OPTION', 'layers'],
  [{ layers: '2' }, 'ERR_INVALID_OPTION', 'layers'],
  [{ layers: [{ kind: 'gru', size: 4 }] }, 'ERR_INVALID_OPTION', 'cell'],
  [{ cell: undefined, layers: [{ kind: 'gru', size: 4 }] }, 'ERR_INVALID_OPTION', 'hiddenSize'],
  [{ cell: undefined, hiddenSize: undefined, layers: [] }, 'ERR_INVALID_OPTION', 'layers'],
  [{ cell: undefined, hiddenSize: undefined, layers: [{ kind: 'dense', size: 4 }] }, 'ERR_INVALID_OPTION', 'layers'],
  [{ cell: undefined, hiddenSize: undefined, layers: [{ kind: 'gru' }] }, 'ERR_MISSING_OPTION', 'layers[0].size'],
  [
    { cell: undefined, hiddenSize: undefined, layers: [{ kind: 'gru', size: 4, dropout: { betwen: 0 } }] },
    'ERR_UNKNOWN_OPTION',
    'layers[0].dropout.betwen',
  ],
  [{ hiddenSize: -1 }, 'ERR_INVALID_OPTION', 'hiddenSize'],
  [{ hiddenSize: null }, 'ERR_INVALID_OPTION', 'hiddenSize'],
  [{ input: 'onehot' }, 'ERR_INVALID_OPTION', 'input'],
  [{ input: { embedding: 0 } }, 'ERR_INVALID_OPTION', 'input.embedding'],
  [{ predict: 'last' }, 'ERR_INVALID_OPTION', 'predict'],
  [{ dropout: { between: 1 } }, 'ERR_INVALID_OPTION', 'dropout.between'],
  [{ dropout: 0.5 }, 'ERR_INVALID_OPTION', 'dropout'],
  [{ dropout: { recurrent: { share: 0.1 } } }, 'ERR_INVALID_OPTION', 'dropout.recurrent'],
  [{ dropout: { output: { mask: 'step' } } }, 'ERR_MISSING_OPTION', 'dropout.output.share'],
  [{ bidirectional: 'both' }, 'ERR_INVALID_OPTION', 'bidirectional'],
  [{ bidirectional: true }, 'ERR_INVALID_OPTION', 'predict'],
  [{ bidirectional: true, predict: 'last-step' }, 'ERR_INVALID_OPTION', 'batches.resetCarry'],
  [
    { bidirectional: true, predict: 'last-step', batches: 'ordered', samples: { context: 'carry' } },
    'ERR_INVALID_OPTION',
    'samples.context',
  ],
  [{ cell: { kind: 'rnn', form: 'apart' } }, 'ERR_INVALID_OPTION', 'cell.form'],
  [{ cell: { kind: 'lstm', form: 'separate' } }, 'ERR_UNKNOWN_OPTION', 'cell.form'],
  [{ init: 'identity' }, 'ERR_INVALID_OPTION', 'init'],
  [{ init: { normal: 0 } }, 'ERR_INVALID_OPTION', 'init.normal'],
  [{ loss: { labelSmoothing: 1 } }, 'ERR_INVALID_OPTION', 'loss.labelSmoothing'],
  [{ loss: { reduction: 'sum' } }, 'ERR_INVALID_OPTION', 'loss.reduction'],
  [{ batches: 'random' }, 'ERR_INVALID_OPTION', 'batches'],
  [{ batches: { offset: 3 } }, 'ERR_INVALID_OPTION', 'batches.offset'],
  [{ batches: { resetCarry: 'always' } }, 'ERR_INVALID_OPTION', 'batches.resetCarry'],
  [{ batches: { order: 'shuffled', resetCarry: 'epoch' } }, 'ERR_INVALID_OPTION', 'batches.resetCarry'],
  [{ batchSize: 0 }, 'ERR_INVALID_OPTION', 'batchSize'],
  [{ unrollLength: 2.5 }, 'ERR_INVALID_OPTION', 'unrollLength'],
  [{ optimizer: 'adm' }, 'ERR_INVALID_OPTION', 'optimizer'],
  [{ optimizer: {} }, 'ERR_MISSING_OPTION', 'optimizer.kind'],
  [{ optimizer: { kind: 'adam', momentum: 0.9 } }, 'ERR_UNKNOWN_OPTION', 'optimizer.momentum'],
  [{ optimizer: { kind: 'adam', learningRate: 0 } }, 'ERR_INVALID_OPTION', 'optimizer.learningRate'],
  [{ optimizer: { kind: 'adam', betas: [0.9] } }, 'ERR_INVALID_OPTION', 'optimizer.betas'],
  [{ optimizer: { kind: 'adam', betas: [0.9, 1] } }, 'ERR_INVALID_OPTION', 'optimizer.betas[1]'],
  [{ optimizer: { kind: 'sgd', nesterov: true } }, 'ERR_INVALID_OPTION', 'optimizer.nesterov'],
  [{ optimizer: { kind: 'sgd', flavour: 'torch' } }, 'ERR_INVALID_OPTION', 'optimizer.flavour'],
  [{ optimizer: { kind: 'sgd', flavour: 'tf1' } }, 'ERR_MISSING_OPTION', 'optimizer.learningRate'],
  [{ optimizer: { kind: 'adamw', flavour: 'tf1' } }, 'ERR_INVALID_OPTION', 'optimizer.flavour'],
  [{ optimizer: { kind: 'adam', flavour: 'tf1', weightDecay: 0.1 } }, 'ERR_INVALID_OPTION', 'optimizer.weightDecay'],
  [{ optimizer: { kind: 'adam', flavour: 'tf1', amsgrad: true } }, 'ERR_INVALID_OPTION', 'optimizer.amsgrad'],
  [
    { optimizer: { kind: 'adagrad', flavour: 'keras', learningRateDecay: 1 } },
    'ERR_INVALID_OPTION',
    'optimizer.learningRateDecay',
  ],
  [{ optimizer: { kind: 'adagrad', epsilon: 0 } }, 'ERR_INVALID_OPTION', 'optimizer.epsilon'],
  [{ optimizer: { kind: 'rmsprop', initialMeanSquare: -1 } }, 'ERR_INVALID_OPTION', 'optimizer.initialMeanSquare'],
  [{ schedule: { kind: 'cosinus' } }, 'ERR_INVALID_OPTION', 'schedule.kind'],
  [{ schedule: () => Number.NaN }, 'ERR_INVALID_OPTION', 'schedule'],
  [{ steps: 9, schedule: { kind: 'cosine', warmup: 10 } }, 'ERR_INVALID_OPTION', 'schedule.warmup'],
  [{ corpus: { text: TEXT, invalid: 'replace' } }, 'ERR_INVALID_OPTION', 'corpus.invalid'],
  [{ corpus: { files: ['x'], invalid: 'skip' } }, 'ERR_INVALID_OPTION', 'corpus.invalid'],
  [{ clip: { norm: 0 } }, 'ERR_INVALID_OPTION', 'clip.norm'],
  [{ clip: { norm: 1, value: 1 } }, 'ERR_INVALID_OPTION', 'clip'],
  [{ clip: null }, 'ERR_INVALID_OPTION', 'clip'],
  [{ validation: 1 }, 'ERR_INVALID_OPTION', 'validation'],
  [{ validation: { share: 0.1, evry: 1 } }, 'ERR_UNKNOWN_OPTION', 'validation.evry'],
  [{ validation: { share: 0.1, every: { steps: 1, epochs: 1 } } }, 'ERR_INVALID_OPTION', 'validation.every'],
  [{ validation: 0.5, test: 0.5 }, 'ERR_INVALID_OPTION', 'validation'],
  [{ samples: { prefixes: [] } }, 'ERR_INVALID_OPTION', 'samples.prefixes'],
  [{ samples: { prefixes: ['The', 'Ω'] } }, 'ERR_UNKNOWN_SYMBOL', 'samples.prefixes[1]'],
  [{ samples: { every: { steps: 0 } } }, 'ERR_INVALID_OPTION', 'samples.every.steps'],
  [{ samples: { temperature: -1 } }, 'ERR_INVALID_OPTION', 'samples.temperature'],
  [{ seed: -1 }, 'ERR_INVALID_OPTION', 'seed'],
  [{ threads: 0 }, 'ERR_INVALID_OPTION', 'threads'],
  [{ device: 'cuda' }, 'ERR_INVALID_OPTION', 'device'],
  [{ adapter: -1 }, 'ERR_INVALID_OPTION', 'adapter'],
  [{ adapter: ' ' }, 'ERR_INVALID_OPTION', 'adapter'],
  [{ precision: 'f64' }, 'ERR_INVALID_OPTION', 'precision'],
  [{ device: 'cpu', precision: 'f16' }, 'ERR_INVALID_OPTION', 'precision'],
  [{ form: 'whole' }, 'ERR_INVALID_OPTION', 'form'],
  [{ onDeviceLost: 'retry' }, 'ERR_INVALID_OPTION', 'onDeviceLost'],
  [{ onProgress: 1 }, 'ERR_INVALID_OPTION', 'onProgress'],
  [{ signal: {} }, 'ERR_INVALID_OPTION', 'signal'],
  [{ signal: { aborted: false } }, 'ERR_INVALID_OPTION', 'signal'],
  [{ signal: new EventTarget() }, 'ERR_INVALID_OPTION', 'signal'],
]

for (const [options, code, field] of OPTIONS) {
  const shown = inspect(options, { depth: 4, breakLength: Infinity })
  test(`refused with ${code} for ${field}: ${shown}`, async (t) => {
    const error = await rejectsWith(t, train({ ...base, ...options }), code, field)
    t.true(error.message.includes(field), error.message)
  })
}

test('every number is refused when it is NaN, infinite, a text, null or a BigInt', async (t) => {
  const places: [string, (value: unknown) => Options][] = [
    ['layers', (layers) => ({ layers })],
    ['hiddenSize', (hiddenSize) => ({ hiddenSize })],
    ['batchSize', (batchSize) => ({ batchSize })],
    ['unrollLength', (unrollLength) => ({ unrollLength })],
    ['optimizer.learningRate', (learningRate) => ({ optimizer: { kind: 'adam', learningRate } })],
    ['optimizer.epsilon', (epsilon) => ({ optimizer: { kind: 'adam', epsilon } })],
    ['optimizer.weightDecay', (weightDecay) => ({ optimizer: { kind: 'sgd', weightDecay } })],
    ['clip.norm', (norm) => ({ clip: { norm } })],
    ['clip.value', (value) => ({ clip: { value } })],
    ['dropout.between', (between) => ({ dropout: { between } })],
    ['dropout.head', (head) => ({ dropout: { head } })],
    ['validation.share', (share) => ({ validation: { share } })],
    ['test.share', (share) => ({ test: { share } })],
    ['seed', (seed) => ({ seed })],
    ['threads', (threads) => ({ threads })],
    ['samples.length', (length) => ({ samples: { length } })],
    ['corpus.maxSymbols', (maxSymbols) => ({ corpus: { text: TEXT, maxSymbols } })],
    ['vocabulary.minCount', (minCount) => ({ vocabulary: { minCount } })],
    ['input.embedding', (embedding) => ({ input: { embedding } })],
  ]
  for (const [field, options] of places) {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, '1', null, 1n]) {
      await rejectsWith(t, train({ ...base, ...options(value) }), 'ERR_INVALID_OPTION', field)
    }
  }
})

test('an unknown key is told with the nearest one', async (t) => {
  t.regex(
    (await rejectsWith(t, train({ ...base, unrolLength: 3 }), 'ERR_UNKNOWN_OPTION')).message,
    /did you mean unrollLength\?/,
  )
  const nested = await rejectsWith(
    t,
    train({ ...base, optimizer: { kind: 'adam', learningrate: 1 } }),
    'ERR_UNKNOWN_OPTION',
  )
  t.regex(nested.message, /did you mean optimizer\.learningRate\?/)
})

test('options are read once, and own properties alone count', async (t) => {
  let reads = 0
  const counted = Object.defineProperty({ ...base }, 'seed', {
    enumerable: true,
    get: () => {
      reads++
      return 3
    },
  })
  await train(counted)
  t.is(reads, 1)
  await train(Object.assign(Object.create({ hiddenSise: -1, batchSize: -1 }), base))
  const throwing = {
    ...base,
    get samples() {
      throw new Error('no')
    },
  }
  await rejectsWith(t, train(throwing), 'ERR_INVALID_OPTION', 'samples')
})

test('a nested getter or proxy that throws is told by its field', async (t) => {
  const throwing = () => {
    throw new Error('no')
  }
  const optimizer = Object.defineProperty({ kind: 'adam' }, 'learningRate', { enumerable: true, get: throwing })
  t.is(
    ((await rejectsWith(t, train({ ...base, optimizer }), 'ERR_INVALID_OPTION', 'optimizer')).cause as Error).message,
    'no',
  )
  await rejectsWith(t, train({ ...base, clip: new Proxy({}, { ownKeys: throwing }) }), 'ERR_INVALID_OPTION', 'clip')
  const polluted = JSON.parse('{"kind":"adam","__proto__":{"learningRate":3}}')
  await rejectsWith(t, train({ ...base, optimizer: polluted }), 'ERR_UNKNOWN_OPTION', 'optimizer.__proto__')
})

/** [text, code, what the message says] */
const TEXTS: [unknown, ErrorCode, RegExp][] = [
  ['', 'ERR_CORPUS_EMPTY', /at least one symbol/],
  ['a', 'ERR_CORPUS_TOO_SHORT', /at least 35/],
  ['ab'.repeat(15), 'ERR_CORPUS_TOO_SHORT', /at least 35/],
  ['ab'.repeat(16), 'ERR_CORPUS_TOO_SHORT', /at least 35/],
  [`${TEXT}\ud83d!`, 'ERR_LONE_SURROGATE', /index 2370/],
  [7, 'ERR_INVALID_OPTION', /a string/],
]
for (const [text, code, message] of TEXTS) {
  test(`a corpus of ${String(text).length} characters is refused with ${code}: ${message}`, async (t) => {
    t.regex((await rejectsWith(t, train({ ...base, corpus: { text } }), code)).message, message)
  })
}

test('the length that a text too short should have does, and one symbol less does not', async (t) => {
  const settings: Options[] = [
    { validation: 0 },
    { validation: 0.01 },
    { validation: 0.3, test: 0.3 },
    { validation: 0, test: 0.9, batches: { order: 'shuffled', offset: 'random' } },
    { batchSize: 7, unrollLength: 13, test: 0.05, batches: { offset: 'random' } },
  ]
  const ofLength = (symbols: number, options: Options) =>
    train({ ...base, ...options, corpus: { text: 'ab'.repeat(symbols).slice(0, symbols) } })
  for (const options of settings) {
    const error = await rejectsWith(t, ofLength(3, options), 'ERR_CORPUS_TOO_SHORT', 'corpus')
    const least = Number(/at least (\d+)/.exec(error.message)![1])
    const shorter = await rejectsWith(t, ofLength(least - 1, options), 'ERR_CORPUS_TOO_SHORT', 'corpus')
    t.true(shorter.message.includes(`at least ${least},`), shorter.message)
    for (const [name, value] of Object.entries(options)) {
      if (typeof value === 'number' && value > 0) t.true(error.message.includes(`${name} ${value}`), error.message)
    }
    const model = await ofLength(least, options)
    t.is(model.position.step, 1)
    model.dispose()
  }
})

test('a device that is not there is refused before the text is read', async (t) => {
  const absent = { device: 'gpu', adapter: 'no adapter has this name' }
  const error = await rejectsWith(
    t,
    train({ ...base, corpus: { files: ['missing.txt'] }, ...absent }),
    'ERR_DEVICE_UNAVAILABLE',
    'device',
  )
  t.is(error.value, 'gpu')
  t.regex(error.message, /'auto' or 'cpu' would do/)
  const loading = CharModel.load('missing.safetensors', absent as LoadOptions)
  await rejectsWith(t, loading, 'ERR_DEVICE_UNAVAILABLE', 'device')
})

test('an unknown symbol in a prefix is refused as soon as the vocabulary is there', async (t) => {
  const samples = { prefixes: ['ab', 'aΩ'] }
  // The text is too short as well, which only its ids show.
  const promise = train({ ...base, corpus: { text: 'ab' }, samples })
  await rejectsWith(t, promise, 'ERR_UNKNOWN_SYMBOL', 'samples.prefixes[1]')
})

test('files that are no text are refused with their place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  const [good, latin] = [join(folder, 'good.txt'), join(folder, 'latin1.txt')]
  await writeFile(good, TEXT)
  await writeFile(latin, Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9])]))
  const files = (...files: unknown[]) => train({ ...base, corpus: { files } })
  t.is((await rejectsWith(t, files(good, latin), 'ERR_INVALID_UTF8', 'corpus.files[1]')).position, 3)
  await rejectsWith(t, files(folder), 'ERR_CORPUS_FILE', 'corpus.files[0]')
  await rejectsWith(t, files(join(folder, 'missing.txt')), 'ERR_CORPUS_FILE', 'corpus.files[0]')
  await rejectsWith(t, files(''), 'ERR_INVALID_OPTION', 'corpus.files[0]')
  ;(await files(good)).dispose()
})

test('a model too big for memory is refused with the bytes needed and available', async (t) => {
  const error = await rejectsWith(t, train({ ...base, hiddenSize: 1_000_000 }), 'ERR_MEMORY', 'hiddenSize')
  t.is(error.value, 1_000_000)
  t.regex(error.message, /needs about [\d,]+ GB to train, [\d.]+ GB are available \(\d{13,} and \d+ bytes\)/)
  await rejectsWith(t, train({ ...base, batchSize: 2 ** 24, unrollLength: 100 }), 'ERR_MEMORY', 'batchSize')
  await rejectsWith(t, train({ ...base, batchSize: 100, unrollLength: 2 ** 24 }), 'ERR_MEMORY', 'unrollLength')
  await rejectsWith(
    t,
    train({ ...base, batchSize: 1, unrollLength: 1, hiddenSize: 16_385 }),
    'ERR_INVALID_OPTION',
    'hiddenSize',
  )
})

const trained = trainCharModel({ ...TINY, steps: 2 })

/** [sampling options, field] */
const SAMPLINGS: [Options, string][] = [
  [{ temperature: -0.1 }, 'temperature'],
  [{ temperature: Number.POSITIVE_INFINITY }, 'temperature'],
  [{ temperature: Number.NaN }, 'temperature'],
  [{ temperature: null }, 'temperature'],
  [{ greedy: true, temperature: 0.8 }, 'temperature'],
  [{ greedy: true, temperature: 1 }, 'temperature'],
  [{ greedy: 1 }, 'greedy'],
  [{ topK: 0 }, 'topK'],
  [{ topK: 1.5 }, 'topK'],
  [{ topP: 0 }, 'topP'],
  [{ topP: 1.1 }, 'topP'],
  [{ minP: -0.1 }, 'minP'],
  [{ minP: 1.1 }, 'minP'],
  [{ length: -1 }, 'length'],
  [{ length: 10_000_001 }, 'length'],
  [{ length: 1e9 }, 'length'],
  [{ length: 1.5 }, 'length'],
  [{ seed: 2 ** 53 }, 'seed'],
  [{ stop: '' }, 'stop'],
  [{ stop: ['a', ''] }, 'stop[1]'],
  [{ stop: 3 }, 'stop'],
  [{ context: 'all' }, 'context'],
  [{ prefix: 3 }, 'prefix'],
  [{ prefix: 'a'.repeat(1_000_001) }, 'prefix'],
  [{ signal: 'stop' }, 'signal'],
]
for (const [options, field] of SAMPLINGS) {
  test(`sampling refuses ${field}: ${Object.values(options).map((value) => String(value).slice(0, 20))}`, async (t) => {
    const model = await trained
    await rejectsWith(t, model.sample(options), 'ERR_INVALID_OPTION', field)
    t.throws(() => model.stream(options), { code: 'ERR_INVALID_OPTION' })
  })
}

test('sampling, scoring and training further refuse unknown options and lone surrogates', async (t) => {
  const model = await trained
  await rejectsWith(t, model.sample({ prefx: 'a' } as never), 'ERR_UNKNOWN_OPTION', 'prefx')
  await rejectsWith(t, model.sample({ prefix: '\udc00' }), 'ERR_LONE_SURROGATE', 'prefix')
  await rejectsWith(t, model.evaluate({} as never), 'ERR_MISSING_OPTION', 'text')
  await rejectsWith(t, model.evaluate({ text: TEXT, batch: 3 } as never), 'ERR_UNKNOWN_OPTION', 'batch')
  await rejectsWith(t, model.train({ steps: 1, cell: 'lstm' } as never), 'ERR_UNKNOWN_OPTION', 'cell')
  await rejectsWith(t, model.train({} as never), 'ERR_MISSING_OPTION', 'epochs')
  await rejectsWith(t, model.train({ steps: 1, schedule: { kind: 'cosine' } }), 'ERR_INVALID_OPTION', 'schedule')
})

test('options that are no object are refused', async (t) => {
  for (const options of [null, 3, 'text', [], () => {}])
    await rejectsWith(t, train(options as never), 'ERR_INVALID_OPTION', 'options')
  await rejectsWith(t, train(undefined as never), 'ERR_MISSING_OPTION', 'options')
})

test('a path to save to or load from must be one', async (t) => {
  const model = await trained
  for (const path of ['', 'a\0b', 3, null]) {
    await rejectsWith(t, model.save(path as never), 'ERR_INVALID_OPTION', 'path')
    await rejectsWith(t, CharModel.load(path as never), 'ERR_INVALID_OPTION', 'path')
  }
  await rejectsWith(t, CharModel.load('x', { maxFileBytes: 0 }), 'ERR_INVALID_OPTION', 'maxFileBytes')
  await rejectsWith(t, CharModel.load('x', { thread: 1 } as never), 'ERR_UNKNOWN_OPTION', 'thread')
})

test('a further text must be normalised as the first one was', async (t) => {
  const model = await trained
  const further = (rules: object) => model.train({ steps: 1, corpus: { text: TEXT, ...rules } })
  await rejectsWith(t, further({ lowercase: true }), 'ERR_INVALID_OPTION', 'corpus.lowercase')
  await rejectsWith(t, further({ newlines: 'space' }), 'ERR_INVALID_OPTION', 'corpus.newlines')
  const lower = await trainCharModel({ ...TINY, corpus: { text: TEXT, lowercase: true }, steps: 1 })
  const contrary = lower.train({ steps: 1, corpus: { text: TEXT, lowercase: false } })
  await rejectsWith(t, contrary, 'ERR_INVALID_OPTION', 'corpus.lowercase')
  await lower.train({ steps: 1, corpus: { text: TEXT, newlines: 'keep' } })
  t.is(lower.position.step, 2)
})
