/** Shuffled: the text is cut into windows of length T, which are dealt to the lanes in random order. */
import { type Key, permutation } from '../random.ts'
import type { EpochShape, StartOf } from './types.ts'

/**
 * The pieces of `orderedStarts`, and the last ones that it drops, permuted: so each epoch leaves out other pieces, fewer
 * than N of them. Takes time and memory in proportion to the number of pieces, once per epoch.
 */
export function shuffledStarts({ symbols, lanes, unroll, offset }: EpochShape, key: Key): StartOf {
  const order = permutation(key, Math.floor((symbols - 1 - offset) / unroll))
  return (index, lane) => offset + order[index * lanes + lane]! * unroll
}
