/** Turns what crosses from the addon into results and thrown errors. */
import type { NativeErrorData } from '../../native/index.cjs'
import { type ErrorCode, RnnKitError } from '../errors.ts'

/** What a native promise resolves to: `error`, or all the other fields. */
interface NativeOutcome {
  error?: NativeErrorData
}

/** An outcome's fields where there is no error. */
export type Unwrapped<Outcome extends NativeOutcome> = Required<Omit<Outcome, 'error'>>

/**
 * Calls the addon and returns the outcome's fields.
 *
 * @throws RnnKitError of the outcome's code; ERR_INTERNAL for anything that the addon throws by itself.
 */
export async function unwrap<Outcome extends NativeOutcome>(call: () => Promise<Outcome>): Promise<Unwrapped<Outcome>> {
  return fieldsOf(await guarded(call))
}

/** As `unwrap`, for what the addon answers at once. */
export function unwrapNow<Outcome extends NativeOutcome>(call: () => Outcome): Unwrapped<Outcome> {
  return fieldsOf(guarded(call))
}

function fieldsOf<Outcome extends NativeOutcome>({ error, ...fields }: Outcome): Unwrapped<Outcome> {
  if (error !== undefined) throw nativeError(error)
  return fields as Unwrapped<Outcome>
}

/** Calls the addon; what it throws by itself is a defect of ours. */
export function guarded<Result>(call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RnnKitError({ code: 'ERR_INTERNAL', message: `internal error: the native addon threw: ${reason}`, cause })
  }
}

function nativeError({ code, message, field, value }: NativeErrorData): RnnKitError {
  return new RnnKitError({ code: code as ErrorCode, message, field, value })
}
