import test from 'ava'
import { Vocabulary } from '../ts/corpus/vocabulary.ts'
import { type CharModel, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { openSession, textSequence } from '../ts/native/engine-session.ts'
import { REFERENCE, rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const trained = trainCharModel({ ...TINY, epochs: 1 })
const PIECE = TEXT.slice(37, 137)

/** Total nats of a text with carry. */
async function nats(model: CharModel, text: string): Promise<number> {
  const { perplexity, symbols } = await model.evaluate({ text, context: 'carry' })
  return Math.log(perplexity) * symbols
}

/** Nats of the last symbol of a text, from all before it. */
async function lastNats(model: CharModel, text: string): Promise<number> {
  return (await nats(model, text)) - (text.length > 2 ? await nats(model, text.slice(0, -1)) : 0)
}

test('every symbol is scored once but the first', async (t) => {
  const model = await trained
  for (const length of [2, 3, 256, 257, 258, 600]) {
    t.is((await model.evaluate({ text: TEXT.slice(0, length) })).symbols, length - 1)
    t.is((await model.evaluate({ text: TEXT.slice(0, length), context: 'window' })).symbols, length - 1)
  }
})

/** Total nats of the symbols in one window of the engine, which has no carry to keep. */
async function natsInOneWindow(model: CharModel, ids: Uint32Array): Promise<number> {
  const session = await openSession(model.spec, REFERENCE, Number.POSITIVE_INFINITY)
  try {
    const values = session.parameters()
    const parameters = model.parameters()
    for (const { name, offset } of session.layout) values.set(parameters[name]!.data, offset)
    await session.setParameters(values)
    const request = {
      lanes: 1,
      time: ids.length - 1,
      starts: Uint32Array.of(0),
      resets: Uint8Array.of(1),
      everyStep: true,
    }
    const data = await session.load(textSequence(ids))
    return (await session.evaluate(await session.beginEvaluation(1), { ...request, data })).nats[0]!
  } finally {
    session.close()
  }
}

test('the carry is kept over the whole text: its score is that of one window as long as the text', async (t) => {
  const model = await trained
  const vocabulary = Vocabulary.build(TEXT)
  t.deepEqual(model.vocabulary, vocabulary.symbols)
  for (const length of [200, 257, 258, 1000, 2300]) {
    const text = TEXT.slice(0, length)
    const expected = await natsInOneWindow(model, vocabulary.encode(text))
    const found = await nats(model, text)
    t.true(Math.abs(found / expected - 1) < 1e-7, `${length} symbols: ${found}, ${expected}`)
  }
})

test('perplexity and bitsPerChar come from plain nats, the loss is the objective', async (t) => {
  // So small a rate leaves the initial values as they are, the same in each.
  const still = { ...TINY, optimizer: { kind: 'sgd', learningRate: 1e-30 }, steps: 1 } as const
  const plain = await (await trainCharModel(still)).evaluate({ text: PIECE })
  t.is(plain.loss, Math.log(plain.perplexity))
  t.true(Math.abs(2 ** plain.bitsPerChar / plain.perplexity - 1) < 1e-12)
  const smooth = await trainCharModel({ ...still, loss: { labelSmoothing: 0.2 } })
  const summed = await trainCharModel({ ...still, loss: { labelSmoothing: 0.2, reduction: 'sumOverTime' } })
  const mean = await smooth.evaluate({ text: PIECE })
  t.is(mean.perplexity, plain.perplexity)
  t.not(mean.loss, plain.loss)
  const sum = await summed.evaluate({ text: PIECE })
  t.is(sum.perplexity, plain.perplexity)
  t.true(Math.abs(sum.loss / (10 * mean.loss) - 1) < 1e-6, 'the sum over ten time steps')
})

for (const [name, options] of [
  ['every-step', {}],
  ['last-step', { predict: 'last-step', batches: 'shuffled' }],
] as const) {
  test(`window context predicts each symbol from the last unrollLength alone: ${name}`, async (t) => {
    const model = await trainCharModel({ ...TINY, ...options, unrollLength: 4, steps: 60 } as TrainCharModelOptions)
    let expected = 0
    for (let i = 1; i < PIECE.length; i++) expected += await lastNats(model, PIECE.slice(Math.max(0, i - 4), i + 1))
    const { perplexity, symbols } = await model.evaluate({ text: PIECE, context: 'window' })
    t.true(
      Math.abs(Math.log(perplexity) * symbols - expected) < 1e-3 * expected,
      `${Math.log(perplexity) * symbols}, ${expected}`,
    )
  })
}

test('a last-step model trained on separate windows is asked by windows, others with carry', async (t) => {
  const loss = async (options: Partial<TrainCharModelOptions>, context?: 'carry' | 'window') => {
    const model = await trainCharModel({ ...TINY, ...options, steps: 20 } as TrainCharModelOptions)
    return (await model.evaluate(context === undefined ? { text: PIECE } : { text: PIECE, context })).loss
  }
  const separate = { predict: 'last-step', batches: 'shuffled' } as const
  t.is(await loss(separate), await loss(separate, 'window'))
  t.not(await loss(separate), await loss(separate, 'carry'))
  t.is(await loss({ predict: 'last-step' }), await loss({ predict: 'last-step' }, 'carry'))
})

test('the validation score is that of the last share of the text', async (t) => {
  const model = await trainCharModel({ ...TINY, validation: 0.25, steps: 10 })
  const score = await model.evaluate({ text: TEXT.slice(Math.floor(TEXT.length * 0.75)) })
  t.deepEqual(model.history.at(-1)!.validation, score)
})

test('a text with nothing to score is refused', async (t) => {
  const model = await trained
  await rejectsWith(t, model.evaluate({ text: '' }), 'ERR_CORPUS_TOO_SHORT', 'text')
  await rejectsWith(t, model.evaluate({ text: 'T' }), 'ERR_CORPUS_TOO_SHORT', 'text')
  await rejectsWith(t, model.evaluate({ text: 'TΩ' }), 'ERR_UNKNOWN_SYMBOL', 'text')
  t.is((await rejectsWith(t, model.evaluate({ text: PIECE, signal: AbortSignal.abort(3) }), 'ERR_ABORTED')).cause, 3)
})
