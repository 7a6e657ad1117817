/** Weights of Keras 3 (and TensorFlow 2) as this project's tensors. */
import type { Parameter } from '../model/parameter.ts'
import { convertDense, convertKeras } from '../native/convert.ts'
import { boolean, optional, variant } from '../options/check.ts'
import { orDefault } from '../options/or-default.ts'
import { arrayOption, type DenseWeights, type RecurrentWeights, recurrentWeights } from './weights.ts'

/** `get_weights()` of a SimpleRNN ('rnn') or an LSTM, in this order. */
export interface KerasCellWeights {
  kind: 'rnn' | 'lstm'
  /** [I, G*H]. */
  kernel: Parameter
  /** [H, G*H]. */
  recurrentKernel: Parameter
  /** [G*H]; an LSTM's forget bias is in it. @default zeros (`use_bias=False`) */
  bias?: Parameter
}

/** `get_weights()` of a GRU, in this order. */
export interface KerasGruWeights {
  kind: 'gru'
  /** [I, 3*H]. */
  kernel: Parameter
  /** [H, 3*H]. */
  recurrentKernel: Parameter
  /** [2, 3*H]: of the input, of the recurrence. @default zeros (`use_bias=False`) */
  bias?: Parameter
  /** Must be true: a GRU that resets before its recurrent product computes W (r * h), which no weights of r * (W h + b) give. @default true */
  resetAfter?: boolean
}

/** `get_weights()` of a Dense layer, in this order. */
export interface KerasDenseWeights {
  kind: 'dense'
  /** [I, O]. */
  kernel: Parameter
  /** [O]. @default zeros (`use_bias=False`) */
  bias?: Parameter
}

const KEYS = {
  rnn: ['kernel', 'recurrentKernel', 'bias'],
  lstm: ['kernel', 'recurrentKernel', 'bias'],
  gru: ['kernel', 'recurrentKernel', 'bias', 'resetAfter'],
  dense: ['kernel', 'bias'],
} as const
const CELLS = { rnn: 'elmanTanh', gru: 'gru', lstm: 'lstm' } as const

/**
 * Converts a layer's weights: transposed, the gates in PyTorch's order, one bias as the first of two. A Bidirectional layer is two of them;
 * an Embedding's weights are the same here.
 * @throws ERR_INVALID_OPTION for shapes that do not fit, and for a GRU with `reset_after=False`
 */
export function fromKeras(layer: KerasCellWeights | KerasGruWeights): RecurrentWeights
export function fromKeras(layer: KerasDenseWeights): DenseWeights
export function fromKeras(layer: unknown): RecurrentWeights | DenseWeights {
  const { kind, given } = variant('', layer, KEYS)
  const kernel = arrayOption('kernel', given.kernel)
  const bias = optional(given.bias, (bias) => arrayOption('bias', bias))
  if (kind === 'dense') return convertDense(kernel, bias)
  const recurrentKernel = arrayOption('recurrentKernel', given.recurrentKernel)
  const resetAfter = kind !== 'gru' || boolean('resetAfter', orDefault(given.resetAfter, true))
  const stored = { kernel, recurrentKernel, resetAfter, ...(bias && { bias }) }
  return recurrentWeights(convertKeras(CELLS[kind], stored))
}
