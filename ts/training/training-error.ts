/** How a training that was stopped ends: with an error that carries the model, as its last whole step left it. */
import { isAbort } from '../aborted.ts'
import { type RnnKitError, TrainingError } from '../errors.ts'

/**
 * Runs a task of a training; what a raised signal stopped ends in a TrainingError ERR_ABORTED with the signal's reason as its cause.
 * @param stepsDone asked when that happens
 */
export async function carryingModel<Model, T>(
  model: Model,
  stepsDone: () => number,
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T> {
  try {
    if (signal?.aborted) throw signal.reason
    return await task()
  } catch (error) {
    if (signal === undefined || !isAbort(error, signal)) throw error
    const step = stepsDone()
    const message = `the training was aborted at step ${step}: error.model is as it was before that step`
    throw new TrainingError({ code: 'ERR_ABORTED', message, cause: signal.reason, model, step })
  }
}

export function nonFinite<Model>(model: Model, step: number): TrainingError<Model> {
  const message = `step ${step} met a loss or gradient that is not finite, and the training stopped before it: lower optimizer.learningRate or clip gradients (clip: { norm: 1 })`
  return new TrainingError({ code: 'ERR_NON_FINITE', message, model, step })
}

/** @param error what was wrong with the rate that the schedule gave for that step */
export function withoutRate<Model>(model: Model, step: number, error: RnnKitError): TrainingError<Model> {
  const { code, field, value, cause } = error
  const message = `${error.message}; the training stopped before step ${step}, error.model is as it was then`
  return new TrainingError({ code, message, field, value, cause, model, step })
}

/** @param step as which the model was kept last */
export function failedDevice<Model>(model: Model, step: number, error: RnnKitError): TrainingError<Model> {
  const { code, field, value } = error
  const message = `${error.message}; error.model is on the CPU now, as it was at step ${step}: train it further there`
  return new TrainingError({ code, message, field, value, cause: error, model, step })
}
