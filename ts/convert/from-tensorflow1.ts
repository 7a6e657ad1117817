/** Weights of TensorFlow 1 as this project's tensors. */
import type { Parameter } from '../model/parameter.ts'
import { convertDense, convertTf1 } from '../native/convert.ts'
import { optional, real, variant } from '../options/check.ts'
import { orDefault } from '../options/or-default.ts'
import { arrayOption, type DenseWeights, type RecurrentWeights, recurrentWeights } from './weights.ts'

/** The variables of a BasicRNNCell. */
export interface TensorFlow1RnnWeights {
  kind: 'rnn'
  /** [I + H, H]: the rows of the input before those of the state. */
  kernel: Parameter
  /** [H]. */
  bias: Parameter
}

/** The variables of a BasicLSTMCell, or of an LSTMCell without peepholes and projection. */
export interface TensorFlow1LstmWeights {
  kind: 'lstm'
  /** [I + H, 4*H]: the rows of the input before those of the state. */
  kernel: Parameter
  /** [4*H]. */
  bias: Parameter
  /** What the cell adds to its forget gate at run time: it is not in the stored bias. @default 1 */
  forgetBias?: number
}

/** The variables of a dense layer. */
export interface TensorFlow1DenseWeights {
  kind: 'dense'
  /** [I, O]. */
  kernel: Parameter
  /** [O]. @default zeros (`use_bias=False`) */
  bias?: Parameter
}

const KEYS = {
  rnn: ['kernel', 'bias'],
  gru: ['kernel', 'bias'],
  lstm: ['kernel', 'bias', 'forgetBias'],
  dense: ['kernel', 'bias'],
} as const
const CELLS = { rnn: 'elmanTanh', gru: 'gru', lstm: 'lstm' } as const
const FORGET_BIAS = { rnn: 0, gru: 0, lstm: 1 } as const

/**
 * Converts a layer's weights: the kernel is cut in two and transposed, the gates come into PyTorch's order, the forget bias into the first
 * of two biases. TensorFlow 1's GRUCell resets before its recurrent product and cannot be converted.
 * @throws ERR_INVALID_OPTION for shapes that do not fit, and for a GRU
 */
export function fromTensorFlow1(layer: TensorFlow1RnnWeights | TensorFlow1LstmWeights): RecurrentWeights
export function fromTensorFlow1(layer: TensorFlow1DenseWeights): DenseWeights
export function fromTensorFlow1(layer: unknown): RecurrentWeights | DenseWeights {
  const { kind, given } = variant('', layer, KEYS)
  const kernel = arrayOption('kernel', given.kernel)
  if (kind === 'dense')
    return convertDense(
      kernel,
      optional(given.bias, (bias) => arrayOption('bias', bias)),
    )
  const bias = arrayOption('bias', given.bias)
  const forgetBias = real('forgetBias', orDefault(kind === 'lstm' ? given.forgetBias : undefined, FORGET_BIAS[kind]))
  return recurrentWeights(convertTf1(CELLS[kind], kernel, bias, forgetBias))
}
