/** Whether data are the same as before, by a digest of all their numbers. */
import { createHash } from 'node:crypto'
import { SLICE, type Sliced } from '../slices.ts'

/** SHA-256 of the arrays one after the other, in hexadecimal. */
export function* digesting(arrays: readonly (Uint32Array | Float32Array)[]): Sliced<string> {
  const hash = createHash('sha256')
  for (const array of arrays) {
    for (let from = 0; from < array.length; from += SLICE) {
      hash.update(array.subarray(from, from + SLICE))
      yield
    }
  }
  return hash.digest('hex')
}
