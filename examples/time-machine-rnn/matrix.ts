/** The two operations on matrices that the from-scratch RNN needs; a matrix is a Float32Array, row by row. */

/** Rows of b that are gone through for all of `out` before the next ones: so many stay in a core's cache. */
const BLOCK = 32

/** out [rows, columns] += a [rows, inner] · b [inner, columns]. */
export function addProduct(
  out: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): void {
  const lastRow = (inner - 1) * columns
  for (let from = 0; from < inner; from += BLOCK) {
    const to = Math.min(from + BLOCK, inner)
    for (let i = 0; i < rows; i++) {
      const row = i * columns
      // four rows of b at a time, so that `out` is read and written a quarter as often; past the last row the factor is 0
      for (let k = from; k < to; k += 4) {
        const at = i * inner + k
        const [a0, a1] = [a[at]!, k + 1 < to ? a[at + 1]! : 0]
        const [a2, a3] = [k + 2 < to ? a[at + 2]! : 0, k + 3 < to ? a[at + 3]! : 0]
        const b0 = k * columns
        const b1 = Math.min(b0 + columns, lastRow)
        const b2 = Math.min(b1 + columns, lastRow)
        const b3 = Math.min(b2 + columns, lastRow)
        for (let j = 0; j < columns; j++) {
          out[row + j]! += a0 * b[b0 + j]! + a1 * b[b1 + j]! + a2 * b[b2 + j]! + a3 * b[b3 + j]!
        }
      }
    }
  }
}

/** The transpose [columns, rows] of `a` [rows, columns]. */
export function transposed(a: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(a.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = a[i * columns + j]!
  return result
}
