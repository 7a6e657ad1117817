/** What an MLP reads that predicts each character from the few before it. */
import type { SequenceDataOptions } from 'rnnkit'

const ALPHABET = ' abcdefghijklmnopqrstuvwxyz'

/** Characters that there are. */
export const CHARACTERS = ALPHABET.length

/**
 * One row for each character of a text of letters and spaces but the first: the `n` before it, each one-hot, side by side as one input of
 * `n` x 27 numbers; where fewer stand before it the others are zero.
 */
export function lastCharacters(text: string, n: number): SequenceDataOptions {
  const ids = Int32Array.from(text, (character) => ALPHABET.indexOf(character))
  const width = n * CHARACTERS
  const inputs = new Float32Array((ids.length - 1) * width)
  for (let row = 0; row < ids.length - 1; row++) {
    for (let back = 0; back < Math.min(n, row + 1); back++) {
      inputs[row * width + (n - 1 - back) * CHARACTERS + ids[row - back]!] = 1
    }
  }
  return { inputs, shape: [ids.length - 1, 1, width], targets: ids.subarray(1) }
}
