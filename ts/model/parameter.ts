/** A tensor of numbers: a model's parameter, or an array of another library on its way to one. */
export interface Parameter {
  shape: number[]
  /** Row-major. */
  data: Float32Array
}
