import test from 'ava'
import { type CharModel, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

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

test('the carry is kept over the whole text', async (t) => {
  const model = await trained
  const text = TEXT.slice(0, 600)
  const byParts = (await nats(model, text.slice(0, 301))) + (await nats(model, text.slice(300)))
  t.true(Math.abs(byParts - (await nats(model, text))) > 1e-6)
  // A longer text scores its beginning as the beginning alone is scored.
  const last = await lastNats(model, text)
  t.true(last > 0 && last < 20, `${last}`)
})

test('perplexity and bitsPerChar come from plain nats, the loss is the objective', async (t) => {
  const model = await trainCharModel({ ...TINY, loss: { labelSmoothing: 0.2, reduction: 'sumOverTime' }, steps: 40 })
  const plain = await trainCharModel({ ...TINY, loss: { labelSmoothing: 0.2 }, steps: 40 })
  const summed = await model.evaluate({ text: PIECE })
  t.true(Math.abs(2 ** summed.bitsPerChar - summed.perplexity) < 1e-9)
  const mean = await plain.evaluate({ text: PIECE })
  t.true(mean.loss > Math.log(mean.perplexity) + 0.05, 'smoothing costs loss')
  t.true(Math.abs(summed.loss / 10 - Math.log(summed.perplexity)) < 1, 'a sum over ten time steps')
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
