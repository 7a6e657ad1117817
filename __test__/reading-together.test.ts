/** Sampling, scoring and saving do not wait for one another, nor for what a training only reads. */
import test from 'ava'
import { trainCharModel } from '../ts/index.ts'
import { TEXT, TINY } from './fixtures/tiny-char-model.ts'

const LONG_TEXT = TEXT.repeat(40)

test('a short sample resolves while a long text is still scored, and changes nothing of its score', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 2 })
  const alone = {
    sample: await model.sample({ length: 10, seed: 1 }),
    score: await model.evaluate({ text: LONG_TEXT }),
  }
  const ended: string[] = []
  const note = <T>(name: string, promise: Promise<T>) => promise.finally(() => ended.push(name))
  const scoring = note('score', model.evaluate({ text: LONG_TEXT }))
  const sampling = note('sample', model.sample({ length: 10, seed: 1 }))
  t.deepEqual({ sample: await sampling, score: await scoring }, alone)
  t.is(ended.at(-1), 'score', ended.join())
  model.dispose()
})

test("a short sample resolves during a training's validation", async (t) => {
  const corpus = { text: LONG_TEXT }
  const model = await trainCharModel({ ...TINY, corpus, steps: 1, validation: 0.001 })
  const ended: string[] = []
  const training = model.train({ steps: 1, validation: 0.95 }).then(() => ended.push('training'))
  while (model.position.step < 2) await new Promise((resolve) => setImmediate(resolve))
  await model.sample({ length: 10 }).then(() => ended.push('sample'))
  await training
  t.deepEqual(ended, ['sample', 'training'])
  model.dispose()
})

test('parameters are there at once while a training goes on, and are those of its last finished call', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 1 })
  const before = model.parameters().weight_hh_l0!.data
  const stopping = new AbortController()
  const training = model.train({ steps: 1_000_000, signal: stopping.signal })
  while (model.position.step < 5) await new Promise((resolve) => setImmediate(resolve))
  const during = model.parameters().weight_hh_l0!.data
  t.notDeepEqual(during, before)
  t.true(during.every(Number.isFinite))
  stopping.abort()
  await t.throwsAsync(training, { code: 'ERR_ABORTED' })
  model.dispose()
})

test('many calls with one signal raise no warning', async (t) => {
  const warnings: Error[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const model = await trainCharModel({ ...TINY, steps: 1 })
  const stopping = new AbortController()
  const samples = Array.from({ length: 30 }, () => model.sample({ length: 100_000, signal: stopping.signal }))
  const ends = Promise.allSettled(samples)
  await new Promise((resolve) => setTimeout(resolve, 20))
  stopping.abort()
  t.true((await ends).every(({ status }) => status === 'rejected'))
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(warnings, [])
  model.dispose()
})

test('a model cannot be cloned into an empty object', async (t) => {
  const model = await trainCharModel({ ...TINY, steps: 1 })
  t.throws(() => structuredClone(model), { any: true, name: 'DataCloneError' })
  model.dispose()
})
