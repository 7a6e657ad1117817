/** The errors that rnnkit throws on purpose: a stable code, and the offending field and value as data. */

/** What went wrong, as a stable string; messages may change, codes do not. */
export type ErrorCode =
  | 'ERR_INVALID_OPTION'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_MISSING_OPTION'
  | 'ERR_CORPUS_EMPTY'
  | 'ERR_CORPUS_TOO_SHORT'
  | 'ERR_CORPUS_FILE'
  | 'ERR_INVALID_UTF8'
  | 'ERR_LONE_SURROGATE'
  | 'ERR_UNKNOWN_SYMBOL'
  | 'ERR_VOCABULARY'
  | 'ERR_MEMORY'
  | 'ERR_DEVICE_UNAVAILABLE'
  | 'ERR_DEVICE_LOST'
  | 'ERR_DEVICE_FAILED'
  | 'ERR_NATIVE_MISSING'
  | 'ERR_NATIVE_VERSION'
  | 'ERR_BUSY'
  | 'ERR_DISPOSED'
  | 'ERR_ABORTED'
  | 'ERR_NON_FINITE'
  | 'ERR_INTERNAL'
  | `ERR_CHECKPOINT_${string}`

export interface RnnKitErrorOptions {
  code: ErrorCode
  message: string
  /** Path of the option or file entry at fault, such as `optimizer.learningRate` or `corpus.files[1]`. */
  field?: string | undefined
  value?: unknown
  /** Where in the value: a byte offset (ERR_INVALID_UTF8), UTF-16 index (ERR_LONE_SURROGATE) or symbol index (ERR_UNKNOWN_SYMBOL). */
  position?: number | undefined
  cause?: unknown
}

/** Base of every error that rnnkit throws on purpose. */
export class RnnKitError extends Error {
  override readonly name: string = 'RnnKitError'
  readonly code: ErrorCode
  /** Path of the option or file entry at fault. */
  readonly field: string | undefined
  /** What was given there. */
  readonly value: unknown
  /** Byte offset, UTF-16 index or symbol index within the value, where the code has one. */
  readonly position: number | undefined

  constructor(options: RnnKitErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.field = options.field
    this.value = options.value
    this.position = options.position
  }
}

/**
 * A training that was aborted (`ERR_ABORTED`), met a non-finite number (`ERR_NON_FINITE`), got no learning rate from a schedule that is a
 * function (`ERR_INVALID_OPTION`) or whose GPU was lost, failed or had no more room (`ERR_DEVICE_LOST`, `ERR_DEVICE_FAILED`, `ERR_MEMORY`).
 */
export class TrainingError<M = unknown> extends RnnKitError {
  override readonly name = 'TrainingError'
  /** The model as it was before the window that failed, or after a GPU's error as it was at the last snapshot; usable. */
  readonly model: M
  /** The optimizer step, counted from 0, that was not completed. */
  readonly step: number

  constructor(options: RnnKitErrorOptions & { model: M; step: number }) {
    super(options)
    this.model = options.model
    this.step = options.step
  }
}

/** Whether `x` is an error that rnnkit threw on purpose. */
export function isRnnKitError(x: unknown): x is RnnKitError {
  return x instanceof RnnKitError
}

/** Whether it says that a GPU went away, with all that lay on it. */
export function isDeviceLost(x: unknown): x is RnnKitError {
  return isRnnKitError(x) && x.code === 'ERR_DEVICE_LOST'
}

const OF_A_GPU: readonly ErrorCode[] = ['ERR_DEVICE_LOST', 'ERR_DEVICE_FAILED', 'ERR_MEMORY']

/** Of work on a GPU: whether it says that it cannot go on there, because the GPU was lost, refused the work or has no more room. */
export function isDeviceError(x: unknown): x is RnnKitError {
  return isRnnKitError(x) && OF_A_GPU.includes(x.code)
}
