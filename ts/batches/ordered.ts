/** Ordered: the text is cut into windows of length T, which are dealt to the lanes in text order. */
import type { EpochShape, StartOf } from './types.ts'

/** Window k holds pieces k · N … k · N + N - 1; piece j starts at offset + j · T. */
export function orderedStarts({ lanes, unroll, offset }: EpochShape): StartOf {
  return (index, lane) => offset + (index * lanes + lane) * unroll
}
