/** The windows of an evaluation: one lane over the whole text, in which each symbol but the first is scored once. */
import { RnnKitError } from '../errors.ts'

export interface EvaluationWindow {
  /** Position of the first symbol read; the first one scored is the next. */
  start: number
  /** Symbols scored: T, less in the last window. */
  length: number
}

/** @throws ERR_CORPUS_TOO_SHORT for fewer than two symbols: the first has nothing to be predicted from */
export function refuseUnscorable(symbols: number): void {
  if (symbols >= 2) return
  throw new RnnKitError({
    code: 'ERR_CORPUS_TOO_SHORT',
    message: `text has ${symbols} symbols: to score it, it must have at least 2`,
    field: 'text',
    value: symbols,
  })
}

/**
 * Consecutive windows of `unroll` over `symbols` symbols; the carry is kept from each to the next.
 * @throws ERR_CORPUS_TOO_SHORT for fewer than two symbols
 */
export function evaluationWindows(symbols: number, unroll: number): EvaluationWindow[] {
  refuseUnscorable(symbols)
  const windows: EvaluationWindow[] = []
  for (let start = 0; start < symbols - 1; start += unroll) {
    windows.push({ start, length: Math.min(unroll, symbols - 1 - start) })
  }
  return windows
}
