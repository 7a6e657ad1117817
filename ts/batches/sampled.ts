/** Sampled: each lane of each window starts anywhere in the text, uniformly and with replacement. */
import { below, type Key } from '../random.ts'
import type { EpochShape, StartOf } from './types.ts'

/** A start in [0, n - T - 1], the last that has T targets after it; draw k · N + i of the key for lane i of window k. */
export function sampledStarts({ symbols, lanes, unroll }: EpochShape, key: Key): StartOf {
  return (index, lane) => below(key, index * lanes + lane, symbols - unroll)
}
