/** Splits a corpus into contiguous shares: training first, then validation, then test. */
import { RnnKitError } from '../errors.ts'
import { real } from '../options/check.ts'

/** Positions from the first to before the second. */
export type Range = readonly [from: number, to: number]

export interface CorpusSplit {
  train: Range
  validation: Range
  test: Range
}

export interface SplitShares {
  /** Share of the symbols, in [0, 1). @default 0 */
  validation?: number
  /** Share of the symbols, in [0, 1). @default 0 */
  test?: number
}

/** A share such as 0.9 times a length may come out a hair below the whole number it stands for. */
const ROUNDING = 1e-6

/**
 * The three ranges of `length` symbols: training ends at floor((1 - validation - test) · length), validation at
 * floor((1 - test) · length).
 * @throws ERR_INVALID_OPTION for shares outside [0, 1) or of 1 and more together; ERR_CORPUS_TOO_SHORT for a share that
 *   was asked for and has fewer than two symbols: nothing could be scored
 */
export function splitCorpus(length: number, shares: SplitShares): CorpusSplit {
  const validation = real('validation', shares.validation ?? 0, { min: 0, exclusiveMax: 1 })
  const test = real('test', shares.test ?? 0, { min: 0, exclusiveMax: 1 })
  real('validation + test', validation + test, { exclusiveMax: 1 })
  const split = rangesOf(length, validation, test)
  refuseShort('validation', validation, split.validation, length)
  refuseShort('test', test, split.test, length)
  return split
}

/** The ranges for shares that are known to be right, however short they come out. */
export function rangesOf(length: number, validation: number, test: number): CorpusSplit {
  const trainEnd = Math.floor((1 - (validation + test)) * length + ROUNDING)
  const validationEnd = Math.floor((1 - test) * length + ROUNDING)
  return {
    train: [0, trainEnd],
    validation: [trainEnd, validation === 0 ? trainEnd : validationEnd],
    test: [test === 0 ? length : validationEnd, length],
  }
}

function refuseShort(field: string, share: number, [from, to]: Range, length: number): void {
  if (share === 0 || to - from >= 2) return
  throw new RnnKitError({
    code: 'ERR_CORPUS_TOO_SHORT',
    message: `${field} ${share} of ${length} symbols is ${to - from}: it must be 0 or at least 2 symbols, so about ${Math.ceil(2 / share)} in all`,
    field,
    value: share,
  })
}
