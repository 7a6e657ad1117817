/** Consecutive order: each lane reads its own stretch of the text from beginning to end, window after window. */
import type { EpochShape, StartOf } from './types.ts'

/**
 * Lane i covers the text from offset + i · floor((n - 1 - offset) / N) on; window k lies k · T further. So window k + 1
 * goes on where window k ended, and the carry is kept from one to the next.
 */
export function consecutiveStarts({ symbols, lanes, unroll, offset }: EpochShape): StartOf {
  const stretch = Math.floor((symbols - 1 - offset) / lanes)
  return (index, lane) => offset + lane * stretch + index * unroll
}
