/** Seeded random numbers for data and weights that an example makes itself. */
import { streamKey, uniform } from '../../ts/random.ts'

export interface RandomNumbers {
  /** In [0, 1). */
  uniform(): number
  /** From the standard normal distribution. */
  normal(): number
  /** A whole number in [0, n). */
  below(n: number): number
}

/** The same seed, a whole number from 0, gives the same numbers. */
export function randomNumbers(seed: number): RandomNumbers {
  const key = streamKey(seed, 'init', 0)
  let drawn = 0
  const next = () => uniform(key, drawn++)
  return {
    uniform: next,
    // Box and Muller; 1 - u is never 0
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    below: (n) => Math.floor(next() * n),
  }
}
