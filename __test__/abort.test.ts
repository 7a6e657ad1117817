/** An abort is heard wherever a training may spend its time. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type CharModel, isRnnKitError, TrainingError, trainCharModel } from '../ts/index.ts'
import { TINY } from './fixtures/tiny-char-model.ts'

test('an abort while initial values are drawn ends the training within 100 ms', async (t) => {
  const waits: number[] = []
  // The best of three: other processes take their time as well.
  for (let i = 0; i < 3 && !(Math.min(...waits) < 100); i++) {
    const abort = new AbortController()
    let raisedAt = Number.NaN
    setTimeout(() => {
      raisedAt = performance.now()
      abort.abort(new Error('enough'))
    }, 100)
    const training = trainCharModel({
      corpus: { text: 'abc '.repeat(2000) },
      init: 'orthogonal', // takes seconds at this size
      layers: 1,
      hiddenSize: 1500,
      batchSize: 4,
      unrollLength: 4,
      steps: 1,
      device: 'cpu',
      signal: abort.signal,
    })
    const error = await t.throwsAsync(training)
    waits.push(performance.now() - raisedAt)
    t.true(isRnnKitError(error) && error.code === 'ERR_ABORTED')
    t.is((error.cause as Error).message, 'enough')
  }
  t.true(Math.min(...waits) < 100, `${waits} ms`)
})

test('whenever a training is stopped early, a model that comes with the error can be saved and trained on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-abort-'))
  t.teardown(() => rm(folder, { recursive: true }))
  let models = 0
  for (let call = 0; call < 6; call++) {
    // Raised as the engine ends its call of that number: set-up first, then training.
    const abort = new AbortController()
    const stopHearing = abort.signal.removeEventListener.bind(abort.signal)
    let ended = 0
    abort.signal.removeEventListener = (...listener: Parameters<typeof stopHearing>) => {
      stopHearing(...listener)
      if (ended++ === call) abort.abort()
    }
    const training = trainCharModel({ ...TINY, steps: 1000, signal: abort.signal })
    const error = await t.throwsAsync(training, { code: 'ERR_ABORTED' })
    if (!(error instanceof TrainingError)) continue
    const model = error.model as CharModel
    await model.save(join(folder, 'early.safetensors'))
    await model.train({ steps: 2 })
    t.is(model.position.step, error.step + 2)
    model.dispose()
    models += 1
  }
  t.true(models > 0, 'no error had a model, so nothing was tested')
})
