import test from 'ava'
import { isRnnKitError, RnnKitError, TrainingError } from '../ts/errors.ts'
import { nearestName } from '../ts/options/nearest-name.ts'

test('an error carries code, field, value, position and cause as data', (t) => {
  const cause = new Error('disk')
  const error = new RnnKitError({ code: 'ERR_CORPUS_FILE', message: 'm', field: 'f', value: 7, position: 3, cause })
  t.like(error, { name: 'RnnKitError', code: 'ERR_CORPUS_FILE', message: 'm', field: 'f', value: 7, position: 3 })
  t.is(error.cause, cause)
  t.false('cause' in new RnnKitError({ code: 'ERR_BUSY', message: 'm' }))
})

test('a training error carries the model and the step', (t) => {
  const error = new TrainingError({ code: 'ERR_ABORTED', message: 'm', model: { id: 1 }, step: 12 })
  t.is(error.model.id, 1)
  t.like(error, { name: 'TrainingError', step: 12, code: 'ERR_ABORTED' })
  t.true(error instanceof RnnKitError)
})

test('the guard knows our errors from others', (t) => {
  t.true(isRnnKitError(new TrainingError({ code: 'ERR_ABORTED', message: 'm', model: null, step: 0 })))
  for (const other of [new Error('x'), { code: 'ERR_BUSY' }, null, undefined]) t.false(isRnnKitError(other))
})

test('the nearest name is the one with the fewest edits, case aside', (t) => {
  const names = ['learningRate', 'batchSize', 'unrollLength', 'seed', 'steps']
  t.is(nearestName('learningrate', names), 'learningRate')
  t.is(nearestName('lerningRate', names), 'learningRate')
  t.is(nearestName('sede', names), 'seed')
  t.is(nearestName('step', names), 'steps')
})

test('nothing is suggested for a word far from all, or far too long', (t) => {
  t.is(nearestName('temperature', ['seed', 'steps']), undefined)
  t.is(nearestName('', ['seed']), undefined)
  t.is(nearestName('x'.repeat(100_000), ['x'.repeat(100_000)]), undefined)
})
