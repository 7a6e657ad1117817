/** Rows of numbers as a view shows them. */

/** Row-major numbers: row t is of position t of the sequence. */
export interface Matrix {
  shape: [rows: number, columns: number]
  /** [rows * columns] */
  data: Float32Array
}

/** @param data as many rows of `columns` numbers as there are */
export function matrix(data: Float32Array, columns: number): Matrix {
  return { shape: [data.length / columns, columns], data }
}

/** Columns `from` … `from + columns - 1`, copied. */
export function columnsOf({ shape: [rows, width], data }: Matrix, from: number, columns: number): Matrix {
  const part = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    part.set(data.subarray(row * width + from, row * width + from + columns), row * columns)
  }
  return { shape: [rows, columns], data: part }
}

/** Each row's exponentials, divided by their sum. */
export function softmax({ shape: [rows, columns], data }: Matrix): Matrix {
  const probabilities = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const logits = data.subarray(row * columns, (row + 1) * columns)
    const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
    const powers = Float64Array.from(logits, (logit) => Math.exp(logit - largest))
    const sum = powers.reduce((total, power) => total + power, 0)
    probabilities.set(
      Float32Array.from(powers, (power) => power / sum),
      row * columns,
    )
  }
  return { shape: [rows, columns], data: probabilities }
}

/** L2 norm of each row, [rows]. */
export function rowNorms({ shape: [rows, columns], data }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => norm(data.subarray(row * columns, (row + 1) * columns)))
}

/** L2 norm, summed up in f64. */
export function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
}
