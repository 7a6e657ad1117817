/** An abort is heard wherever a training may spend its time. */
import test from 'ava'
import { isRnnKitError, trainCharModel } from '../ts/index.ts'

test('an abort while initial values are drawn ends the training within 100 ms', async (t) => {
  const abort = new AbortController()
  let raisedAt = 0
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
    signal: abort.signal,
  })
  const error = await t.throwsAsync(training)
  const waited = performance.now() - raisedAt
  t.true(raisedAt > 0 && waited < 100, `${waited} ms`)
  t.true(isRnnKitError(error) && error.code === 'ERR_ABORTED')
  t.is((error.cause as Error).message, 'enough')
})
