/** Splits a corpus into contiguous shares: training first, then validation, then test. */

/** Positions from the first to before the second. */
export type Range = readonly [from: number, to: number]

export interface CorpusSplit {
  train: Range
  validation: Range
  test: Range
}

/** A share such as 0.9 times a length may come out a hair below the whole number it stands for. */
const ROUNDING = 1e-6

/**
 * The three ranges of `length` symbols: training ends at floor((1 - validation - test) · length), validation at
 * floor((1 - test) · length). The shares lie in [0, 1), and so does their sum; how short a range may be is the caller's to say.
 */
export function splitCorpus(length: number, validation: number, test: number): CorpusSplit {
  const trainEnd = Math.floor((1 - (validation + test)) * length + ROUNDING)
  const validationEnd = Math.floor((1 - test) * length + ROUNDING)
  return {
    train: [0, trainEnd],
    validation: [trainEnd, validation === 0 ? trainEnd : validationEnd],
    test: [test === 0 ? length : validationEnd, length],
  }
}
