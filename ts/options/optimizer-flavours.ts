/** What each library's optimizers start from, and which options they lack: the defaults of `optimizer`, by flavour. */
import { refuse } from './check.ts'

export type OptimizerKind = 'sgd' | 'adagrad' | 'rmsprop' | 'adam' | 'adamw'

/**
 * Whose form of an optimizer, where the libraries differ: PyTorch's, that of Keras 3 (and TensorFlow 2), that of TensorFlow 1.
 *
 * - The learning rate stands outside of the momentum buffer, so that a new one acts on all of it; inside in Keras's 'sgd', and in Keras's and
 *   TensorFlow 1's 'rmsprop'.
 * - Epsilon is added to the root ('adam': to the corrected one); in the others under it ('adam': to the uncorrected root).
 * - `weightDecay` is added to the gradient, but for 'adamw'; Keras keeps it apart in every optimizer; TensorFlow 1 has none.
 */
export type OptimizerFlavour = 'pytorch' | 'keras' | 'tf1'

export const FLAVOURS = ['pytorch', 'keras', 'tf1'] as const satisfies readonly OptimizerFlavour[]

/** The numbers whose defaults differ. A library without a learning rate of its own leaves it to the user. */
export type OptimizerDefaults = {
  readonly [Option in
    | 'learningRate'
    | 'epsilon'
    | 'alpha'
    | 'initialAccumulator'
    | 'initialMeanSquare'
    | 'weightDecay']?: number
}

const DEFAULTS: Record<OptimizerFlavour, Partial<Record<OptimizerKind, OptimizerDefaults>>> = {
  pytorch: {
    sgd: { learningRate: 1e-3 },
    adagrad: { learningRate: 1e-2, epsilon: 1e-10, initialAccumulator: 0 },
    rmsprop: { learningRate: 1e-2, epsilon: 1e-8, alpha: 0.99, initialMeanSquare: 0 },
    // PyTorch's rate is 1e-3.
    adam: { learningRate: 2e-3, epsilon: 1e-8 },
    adamw: { learningRate: 1e-3, epsilon: 1e-8, weightDecay: 0.01 },
  },
  keras: {
    sgd: { learningRate: 1e-2 },
    adagrad: { learningRate: 1e-3, epsilon: 1e-7, initialAccumulator: 0.1 },
    rmsprop: { learningRate: 1e-3, epsilon: 1e-7, alpha: 0.9, initialMeanSquare: 0 },
    adam: { learningRate: 1e-3, epsilon: 1e-7 },
    adamw: { learningRate: 1e-3, epsilon: 1e-7, weightDecay: 0.004 },
  },
  tf1: {
    sgd: {},
    adagrad: { epsilon: 0, initialAccumulator: 0.1 },
    rmsprop: { epsilon: 1e-10, alpha: 0.9, initialMeanSquare: 1 },
    adam: { learningRate: 1e-3, epsilon: 1e-8 },
  },
}

/** Options that the library's optimizers do not have. */
const LACKING: Record<OptimizerFlavour, readonly string[]> = {
  pytorch: [],
  keras: ['dampening', 'learningRateDecay'],
  tf1: ['dampening', 'learningRateDecay', 'amsgrad', 'weightDecay'],
}

/** @throws ERR_INVALID_OPTION for an optimizer that the library lacks */
export function optimizerDefaults(kind: OptimizerKind, flavour: OptimizerFlavour): OptimizerDefaults {
  const lacking = "'pytorch' or 'keras': TensorFlow 1 has no 'adamw'"
  return DEFAULTS[flavour][kind] ?? refuse('optimizer.flavour', flavour, lacking)
}

/** @throws ERR_INVALID_OPTION for an option that the library lacks */
export function checkOptions(flavour: OptimizerFlavour, given: { readonly [option: string]: unknown }): void {
  for (const option of LACKING[flavour]) {
    if (given[option] === undefined) continue
    const having = FLAVOURS.filter((other) => !LACKING[other].includes(option)).map((other) => `'${other}'`)
    refuse(
      `optimizer.${option}`,
      given[option],
      `left out in flavour '${flavour}': ${having.join(' and ')} can have it`,
    )
  }
}
