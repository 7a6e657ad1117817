import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { CharModel, RnnKitError, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { bitsOf, rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const folder = mkdtemp(join(tmpdir(), 'rnnkit-'))
const DEVICE = { device: 'reference', threads: 1 } as const

async function pathFor(name: string): Promise<string> {
  return join(await folder, `${name}.safetensors`)
}

async function reloaded(model: CharModel, name: string): Promise<CharModel> {
  const path = await pathFor(name)
  await model.save(path)
  return await CharModel.load(path, DEVICE)
}

test('a model comes back from its file as it was', async (t) => {
  const model = await trainCharModel({ ...TINY, epochs: 1, test: 0.1 })
  const again = await reloaded(model, 'same')
  t.deepEqual(await bitsOf(again), await bitsOf(model))
  t.deepEqual(again.history, model.history)
  t.deepEqual(again.vocabulary, model.vocabulary)
  t.deepEqual(again.position, model.position)
  t.deepEqual(again.spec, model.spec)
  const options = { length: 50, seed: 3, prefix: 'The ' }
  t.is(await again.sample(options), await model.sample(options))
  t.deepEqual(await again.evaluate({ text: TEXT }), await model.evaluate({ text: TEXT }))
})

for (const [name, options] of [
  ['consecutive windows', {}],
  [
    'dropout, momentum and a schedule by loss',
    {
      cell: 'lstm',
      layers: 2,
      dropout: { between: 0.2, head: 0.1 },
      batches: { order: 'shuffled', offset: 'random' },
      optimizer: { kind: 'sgd', learningRate: 0.5, momentum: 0.9 },
      schedule: { kind: 'reduceOnPlateau', patience: 0, threshold: 0.9 },
      clip: { value: 0.1 },
      validation: { share: 0.1, every: { steps: 20 } },
    },
  ],
  [
    'batch normalisation and every kind of dropout',
    {
      cell: undefined,
      hiddenSize: undefined,
      layers: [
        { kind: 'batchNorm', momentum: 0.9 },
        { kind: 'lstm', size: 6, dropout: { input: 0.1, recurrent: 0.2, perGate: true, output: 0.1 } },
        { kind: 'dropout', share: 0.1, mask: 'batch' },
        { kind: 'batchNorm' },
        { kind: 'rnn', form: 'separate', size: 5, dropout: { input: { share: 0.1, mask: 'step' } } },
      ],
    },
  ],
] as const) {
  test(`a loaded model trains on as if nothing had happened: ${name}`, async (t) => {
    const train = (epochs: number) => trainCharModel({ ...TINY, ...options, epochs } as TrainCharModelOptions)
    const [whole, half] = [await train(4), await train(2)]
    const again = await reloaded(half, name.slice(0, 6).trim())
    await again.train({ corpus: { text: TEXT }, epochs: 2 })
    t.deepEqual(await bitsOf(again), await bitsOf(whole))
    t.deepEqual(again.history, whole.history)
  })
}

test('moving statistics are tensors of the file, and what the model is scored with', async (t) => {
  const layers = [{ kind: 'batchNorm', momentum: 0.5 } as const, { kind: 'gru', size: 6 } as const]
  const { cell: _, hiddenSize: __, ...tiny } = TINY
  const model = await trainCharModel({ ...tiny, layers, epochs: 1 })
  const { 'batch_norm0.moving_mean': mean, 'batch_norm0.moving_variance': variance } = model.parameters()
  t.true(mean!.data.some((value) => value !== 0) && variance!.data.some((value) => value !== 1))
  const again = await reloaded(model, 'statistics')
  t.deepEqual(again.parameters(), model.parameters())
  t.deepEqual(await again.evaluate({ text: TEXT }), await model.evaluate({ text: TEXT }))
  t.is(model.parameterCount, again.parameterCount)
})

test('saved in the middle of a training, a model goes on from there', async (t) => {
  const path = await pathFor('middle')
  let saved = 0
  const whole = await trainCharModel({
    ...TINY,
    steps: 150,
    onProgress: async (p) => {
      if (saved > 0) return
      saved = p.step
      await p.model.save(path)
    },
  })
  t.true(saved > 0 && saved < 150, `${saved}`)
  const again = await CharModel.load(path, DEVICE)
  t.is(again.position.step, saved)
  await again.train({ corpus: { text: TEXT }, steps: 150 - saved })
  t.deepEqual(await bitsOf(again), await bitsOf(whole))
  t.deepEqual(again.history, whole.history)
})

test('a file saved at any moment of a training can be loaded, whatever else goes on', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 1 })
  const training = model.train({ epochs: 5 })
  for (let i = 0; i < 5; i++) {
    const again = await reloaded(model, `moment${i}`)
    t.true(again.position.step >= 1)
    again.dispose()
  }
  await training
})

test('files hold no text and no path, so training on needs a corpus', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 3 })
  const again = await reloaded(model, 'private')
  await rejectsWith(t, again.train({ steps: 1 }), 'ERR_MISSING_OPTION', 'corpus')
  const bytes = await readFile(await pathFor('private'), 'latin1')
  t.false(bytes.includes('quick'))
  t.false(bytes.includes(await folder))
})

test('another corpus, or one more letter, restarts positions after loading', async (t) => {
  const again = await reloaded(await trainCharModel({ ...TINY, steps: 50 }), 'another')
  await again.train({ corpus: { text: `${TEXT} the` }, steps: 1 })
  t.is(again.position.step, 51)
  t.true(again.history.at(-1)!.epoch < 0.05)
})

test('a schedule that is a function is not in the file, and training on says so', async (t) => {
  const model = await trainCharModel({ ...TINY, schedule: (step) => 0.01 / (step + 1), steps: 3 })
  const again = await reloaded(model, 'function')
  await rejectsWith(t, again.train({ corpus: { text: TEXT }, steps: 1 }), 'ERR_MISSING_OPTION', 'schedule')
  const twice = await reloaded(again, 'function')
  await rejectsWith(t, twice.train({ corpus: { text: TEXT }, steps: 1 }), 'ERR_MISSING_OPTION', 'schedule')
  await twice.train({ corpus: { text: TEXT }, steps: 2, optimizer: { kind: 'adam' } })
  t.is(twice.position.step, 2)
})

test('every unit and policy of a vocabulary comes back', async (t) => {
  const text = `${TEXT}é👩‍👩‍👧 `.repeat(2)
  for (const vocabulary of [
    { unit: 'grapheme' },
    { unit: 'byte' },
    { unit: 'word', minCount: 2, unknown: 'symbol' },
    { unit: 'char', minCount: 50, unknown: 'skip' },
  ] as const) {
    const model = await trainCharModel({ ...TINY, corpus: { text }, vocabulary, steps: 3 })
    const again = await reloaded(model, vocabulary.unit)
    t.deepEqual(again.vocabulary, model.vocabulary)
    const options = { prefix: 'The Ω dog', length: 30, seed: 1 }
    if (vocabulary.unit === 'word' || vocabulary.unit === 'char')
      t.is(await again.sample(options), await model.sample(options))
  }
})

test('normalising goes into the file', async (t) => {
  const corpus = { text: TEXT, lowercase: true, newlines: 'space' } as const
  const model = await trainCharModel({ ...TINY, corpus, steps: 3 })
  const again = await reloaded(model, 'rules')
  const options = { prefix: 'THE\n', length: 20, seed: 1 }
  t.is(await again.sample(options), await model.sample(options))
  await again.train({ corpus: { text: TEXT }, steps: 2 })
  await model.train({ steps: 2 })
  t.deepEqual(await bitsOf(again), await bitsOf(model))
})

test('a changed, cut or foreign file is refused by code', async (t) => {
  const path = await pathFor('mangled')
  await (await trainCharModel({ ...TINY, steps: 2 })).save(path)
  const whole = await readFile(path)
  const flipped = (at: number) => {
    const bytes = Buffer.from(whole)
    bytes[at]! ^= 1
    return bytes
  }
  const headerEnd = 8 + Number(whole.readBigUInt64LE(0))
  const manglings = [
    Buffer.alloc(0),
    whole.subarray(0, 7),
    whole.subarray(0, headerEnd),
    whole.subarray(0, whole.length - 1),
    Buffer.concat([whole, Buffer.from([0])]),
    ...[0, 20, headerEnd - 5, headerEnd + 3, Math.floor((headerEnd + whole.length) / 2), whole.length - 1].map(flipped),
    Buffer.from('<!DOCTYPE html><html></html>'),
    Buffer.from('PK\x03\x04 a zip file'),
  ]
  for (const [i, bytes] of manglings.entries()) {
    await writeFile(path, bytes)
    const error = await t.throwsAsync(CharModel.load(path, DEVICE), { instanceOf: RnnKitError }, `mangling ${i}`)
    t.regex(error.code, /^ERR_CHECKPOINT_/, `mangling ${i}: ${error.message}`)
  }
  await writeFile(path, whole)
  ;(await CharModel.load(path, DEVICE)).dispose()
})

test('a larger file than allowed, a missing one and a folder are refused', async (t) => {
  const path = await pathFor('large')
  await (await trainCharModel({ ...TINY, steps: 1 })).save(path)
  for (const promise of [
    CharModel.load(path, { maxFileBytes: 1000 }),
    CharModel.load(await pathFor('missing')),
    CharModel.load(await folder),
  ]) {
    t.regex((await t.throwsAsync(promise, { instanceOf: RnnKitError })).code, /^ERR_CHECKPOINT_/)
  }
})

test('an error of a file names it once', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 1 })
  const [missing, text] = [join(await folder, 'missing', 'x'), await pathFor('text')]
  await writeFile(text, 'no model')
  for (const [promise, path, field] of [
    [CharModel.load(missing), missing, 'path'],
    [model.save(missing), missing, 'path'],
    [CharModel.load(text), text, 'file'],
  ] as const) {
    const error = await t.throwsAsync(promise, { instanceOf: RnnKitError })
    t.true(error.message.startsWith(`${path}: `), error.message)
    t.is(error.message.split(path).length, 2, error.message)
    t.is(error.field, field)
    t.is(error.value, field === 'path' ? path : undefined)
  }
})

test('a path that cannot be written to is refused, and leaves nothing behind', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 1 })
  const empty = await mkdtemp(join(await folder, 'empty-'))
  for (const path of [empty, join(empty, 'missing', 'x'), join(empty, 'n'.repeat(300))]) {
    await rejectsWith(t, model.save(path), 'ERR_CHECKPOINT_WRITE')
  }
  t.deepEqual(await readdir(empty), [])
})
