/** Where windows start from zero, and what a model that reads them from both ends may be asked. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { CharModel, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { bitsOf, rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const folder = mkdtemp(join(tmpdir(), 'rnnkit-'))
const PIECE = TEXT.slice(37, 60)
const trained = (options: object) => trainCharModel({ ...TINY, ...options } as TrainCharModelOptions)
const reset = (resetCarry: string) => ({ batches: { resetCarry } })
const BOTH = { bidirectional: true, predict: 'last-step', batches: 'shuffled', unrollLength: 6 }

async function reloaded(model: CharModel, name: string): Promise<CharModel> {
  const path = join(await folder, `${name}.safetensors`)
  await model.save(path)
  return await CharModel.load(path, { device: 'reference', threads: 1 })
}

test('the carry that is never reset makes a difference from the second epoch on', async (t) => {
  const bits = async (options: object) => await bitsOf(await trained(options))
  t.deepEqual(await bits({ ...reset('never'), epochs: 1 }), await bits({ ...reset('epoch'), epochs: 1 }))
  t.notDeepEqual(await bits({ ...reset('never'), epochs: 2 }), await bits({ ...reset('epoch'), epochs: 2 }))
  t.deepEqual(await bits({ ...reset('epoch'), steps: 5 }), await bits({ steps: 5 }))
  t.deepEqual(await bits({ ...reset('batch'), steps: 1 }), await bits({ steps: 1 }))
  t.notDeepEqual(await bits({ ...reset('batch'), steps: 2 }), await bits({ steps: 2 }))
})

test('a training whose carry is never reset goes on from a file with the carry it had', async (t) => {
  const whole = await trained({ ...reset('never'), epochs: 4 })
  const half = await trained({ ...reset('never'), epochs: 2 })
  const again = await reloaded(half, 'never')
  await again.train({ corpus: { text: TEXT }, epochs: 2 })
  t.deepEqual(await bitsOf(again), await bitsOf(whole))
  t.deepEqual(again.recipe.batches, { order: 'consecutive', offset: 0, resetCarry: 'never' })
})

test('a last-step model trained on windows from zero is asked by windows, in consecutive order too', async (t) => {
  const model = await trained({ ...reset('batch'), predict: 'last-step', steps: 20 })
  const [usual, window, carry] = [
    await model.evaluate({ text: PIECE }),
    await model.evaluate({ text: PIECE, context: 'window' }),
    await model.evaluate({ text: PIECE, context: 'carry' }),
  ]
  t.deepEqual(usual, window)
  t.notDeepEqual(usual, carry)
})

test('a model in two directions is scored on windows of the symbols before each, which it reads from both ends', async (t) => {
  const model = await trained({ ...BOTH, steps: 60 })
  let nats = 0
  for (let i = 1; i < PIECE.length; i++) {
    const { probabilities } = await model.unroll(PIECE.slice(Math.max(0, i - 6), i))
    nats -= Math.log(probabilities.data[model.vocabulary.indexOf(PIECE[i]!)]!)
  }
  const { loss, symbols } = await model.evaluate({ text: PIECE })
  t.is(symbols, PIECE.length - 1)
  t.true(Math.abs(loss - nats / symbols) < 1e-5, `${loss}, ${nats / symbols}`)
})

test('a model in two directions writes, and comes back from its file as it was', async (t) => {
  const model = await trained({ ...BOTH, epochs: 1, samples: { length: 5 } })
  t.is((await model.sample({ prefix: 'The ', length: 20, seed: 1 })).length, 20)
  const again = await reloaded(model, 'both')
  t.deepEqual(again.spec, model.spec)
  await again.train({ corpus: { text: TEXT }, epochs: 1 })
  await model.train({ epochs: 1 })
  t.deepEqual(await bitsOf(again), await bitsOf(model))
})

test('a model in two directions is not asked with a carry, nor trained on with one', async (t) => {
  const model = await trained({ ...BOTH, steps: 1 })
  await rejectsWith(t, model.evaluate({ text: PIECE, context: 'carry' }), 'ERR_INVALID_OPTION', 'context')
  await rejectsWith(t, model.sample({ context: 'carry' }), 'ERR_INVALID_OPTION', 'context')
  await rejectsWith(t, model.stream({ context: 'carry' }).next(), 'ERR_INVALID_OPTION', 'context')
  await rejectsWith(t, model.train({ steps: 1, batches: 'consecutive' }), 'ERR_INVALID_OPTION', 'batches.resetCarry')
  const samples = { context: 'carry' } as const
  await rejectsWith(t, model.train({ steps: 1, samples }), 'ERR_INVALID_OPTION', 'samples.context')
  await model.train({ steps: 1, batches: { resetCarry: 'batch' } })
  t.is(model.position.step, 2)
})
