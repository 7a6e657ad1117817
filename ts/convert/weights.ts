/** What the converters take and give: arrays of other libraries, and this project's tensors. */
import type { Parameter } from '../model/parameter.ts'
import { integer, isList, record, refuse } from '../options/check.ts'

/** A recurrent layer's tensors; in a model their names end in `_l0`, `_l1` … */
export interface RecurrentWeights {
  /** [G*H, I], the gates in PyTorch's order: i, f, g, o or r, z, n. */
  weight_ih: Parameter
  /** [G*H, H]. */
  weight_hh: Parameter
  /** [G*H]. */
  bias_ih: Parameter
  /** [G*H]. */
  bias_hh: Parameter
}

/** A dense layer's tensors, and the head's. */
export interface DenseWeights {
  /** [O, I]. */
  weight: Parameter
  /** [O]. */
  bias: Parameter
}

const UINT32 = 2 ** 32 - 1

/** An array whose sizes and numbers can cross to the engine, which checks that they fit. */
export function arrayOption(field: string, value: unknown): Parameter {
  const { shape, data } = record(field, value, ['shape', 'data'])
  if (!isList(shape)) return refuse(`${field}.shape`, shape, 'an array of whole numbers')
  if (!(data instanceof Float32Array)) return refuse(`${field}.data`, data, 'a Float32Array')
  return { shape: shape.map((size, i) => integer(`${field}.shape[${i}]`, size, { min: 0, max: UINT32 })), data }
}

/** The engine's names are JavaScript's, the tensors' are PyTorch's. */
export function recurrentWeights(converted: {
  weightIh: Parameter
  weightHh: Parameter
  biasIh: Parameter
  biasHh: Parameter
}): RecurrentWeights {
  const { weightIh, weightHh, biasIh, biasHh } = converted
  return { weight_ih: weightIh, weight_hh: weightHh, bias_ih: biasIh, bias_hh: biasHh }
}
