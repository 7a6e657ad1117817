/** One error for whatever a raised signal stopped, with the signal's reason as its cause. */
import { isRnnKitError, RnnKitError } from './errors.ts'

/** Runs a task; names what a raised signal stopped; the signal's reason is the error's cause. */
export async function stoppable<T>(what: string, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
  try {
    if (signal?.aborted) throw signal.reason
    return await task()
  } catch (error) {
    throw signal === undefined ? error : abortedError(what, signal, error)
  }
}

export async function* stoppablePieces(
  what: string,
  signal: AbortSignal | undefined,
  pieces: AsyncGenerator<string>,
): AsyncGenerator<string, void, undefined> {
  try {
    if (signal?.aborted) throw signal.reason
    yield* pieces
  } catch (error) {
    throw signal === undefined ? error : abortedError(what, signal, error)
  }
}

/** Whether an error says no more than that the signal was raised. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  const plain =
    isRnnKitError(error) && error.code === 'ERR_ABORTED' && error.name === 'RnnKitError' && error.cause === undefined
  return signal.aborted && (error === signal.reason || plain)
}

function abortedError(what: string, signal: AbortSignal, error: unknown): unknown {
  if (!isAbort(error, signal)) return error
  return new RnnKitError({ code: 'ERR_ABORTED', message: `${what} was aborted`, cause: signal.reason })
}
