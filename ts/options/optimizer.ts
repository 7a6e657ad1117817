/** The optimizer: options have PyTorch's names, and the formulas and defaults of the flavour. */
import { boolean, fieldIn, isList, oneOf, real, refuse, variant } from './check.ts'
import {
  checkOptions,
  FLAVOURS,
  type OptimizerDefaults,
  type OptimizerFlavour,
  type OptimizerKind,
  optimizerDefaults,
} from './optimizer-flavours.ts'
import { orDefault } from './or-default.ts'

/** Stochastic gradient descent. */
export interface SgdOptions {
  kind: 'sgd'
  /** @default 'pytorch' */
  flavour?: OptimizerFlavour
  /** @default 1e-3 ('pytorch'), 1e-2 ('keras'); 'tf1' has none */
  learningRate?: number
  /** [0, 1). @default 0 */
  momentum?: number
  /** [0, 1]; needs momentum. Only 'pytorch' has it. @default 0 */
  dampening?: number
  /** Needs momentum. @default false */
  nesterov?: boolean
  /** L2 penalty, or in 'keras' decay apart from the gradient; 'tf1' lacks it. @default 0 */
  weightDecay?: number
}

export interface AdagradOptions {
  kind: 'adagrad'
  /** @default 'pytorch' */
  flavour?: OptimizerFlavour
  /** @default 1e-2 ('pytorch'), 1e-3 ('keras'); 'tf1' has none */
  learningRate?: number
  /** The sum of squares starts from this. @default 0 ('pytorch'), 0.1 ('keras', 'tf1') */
  initialAccumulator?: number
  /** The rate at step s is learningRate / (1 + s * learningRateDecay). Only 'pytorch' has it. @default 0 */
  learningRateDecay?: number
  /** At least 1e-30, or 0 where the sum starts from at least that. @default 1e-10 ('pytorch'), 1e-7 ('keras'), 0 ('tf1') */
  epsilon?: number
  /** L2 penalty, or in 'keras' decay apart from the gradient; 'tf1' lacks it. @default 0 */
  weightDecay?: number
}

export interface RmsPropOptions {
  kind: 'rmsprop'
  /** @default 'pytorch' */
  flavour?: OptimizerFlavour
  /** @default 1e-2 ('pytorch'), 1e-3 ('keras'); 'tf1' has none */
  learningRate?: number
  /** How much of the running mean of squares is kept, [0, 1): Keras's rho. @default 0.99 ('pytorch'), 0.9 ('keras', 'tf1') */
  alpha?: number
  /** @default 1e-8 ('pytorch'), 1e-7 ('keras'), 1e-10 ('tf1') */
  epsilon?: number
  /** The running mean of squares starts from this. @default 0 ('pytorch', 'keras'), 1 ('tf1') */
  initialMeanSquare?: number
  /** [0, 1). @default 0 */
  momentum?: number
  /** Takes the running mean out of the mean of squares. @default false */
  centered?: boolean
  /** L2 penalty, or in 'keras' decay apart from the gradient; 'tf1' lacks it. @default 0 */
  weightDecay?: number
}

export interface AdamOptions {
  kind: 'adam' | 'adamw'
  /** 'tf1' has no 'adamw'. @default 'pytorch' */
  flavour?: OptimizerFlavour
  /** @default 2e-3 ('adam' of 'pytorch'), else 1e-3 */
  learningRate?: number
  /** How much of the running means of gradients and of their squares is kept, each [0, 1). @default [0.9, 0.999] */
  betas?: readonly [number, number]
  /** @default 1e-8 ('pytorch', 'tf1'), 1e-7 ('keras') */
  epsilon?: number
  /** Divides by the largest mean of squares so far; 'tf1' lacks it. @default false */
  amsgrad?: boolean
  /**
   * L2 penalty ('adam'), or decay apart from the gradient ('adamw', and 'adam' of 'keras'); 'tf1' lacks it.
   * @default 0 ('adam'); 'adamw': 0.01 ('pytorch'), 0.004 ('keras')
   */
  weightDecay?: number
}

/** The kind alone, or with what may be chosen of it. */
export type OptimizerOptions = OptimizerKind | SgdOptions | AdagradOptions | RmsPropOptions | AdamOptions

/** `spec` crosses to the engine as it is; the learning rate goes along with each step. */
export interface Optimizer {
  readonly learningRate: number
  readonly spec: OptimizerSpec
}

/** JSON of the engine's optimizer. */
export type OptimizerSpec = { readonly kind: OptimizerKind } & { readonly [field: string]: unknown }

const ADAM = ['flavour', 'learningRate', 'betas', 'epsilon', 'amsgrad', 'weightDecay'] as const
const KEYS = {
  sgd: ['flavour', 'learningRate', 'momentum', 'dampening', 'nesterov', 'weightDecay'],
  adagrad: ['flavour', 'learningRate', 'initialAccumulator', 'learningRateDecay', 'epsilon', 'weightDecay'],
  rmsprop: ['flavour', 'learningRate', 'alpha', 'epsilon', 'initialMeanSquare', 'momentum', 'centered', 'weightDecay'],
  adam: ADAM,
  adamw: ADAM,
} as const
/** Below this an epsilon vanishes beside the roots of f32 numbers. */
const SMALLEST = 1e-30

export function optimizerOptions(value: unknown): Optimizer {
  const { kind, given } = variant('optimizer', orDefault(value, 'adam'), KEYS)
  const flavour = oneOf('optimizer.flavour', orDefault(given.flavour, 'pytorch'), FLAVOURS)
  const defaults = optimizerDefaults(kind, flavour)
  checkOptions(flavour, given)
  const learningRate = real('optimizer.learningRate', orDefault(given.learningRate, defaults.learningRate), {
    exclusiveMin: 0,
  })
  return { learningRate, spec: { kind, flavour, ...specOf(kind, given, defaults) } }
}

type Given = { readonly [option: string]: unknown }

function specOf(kind: OptimizerKind, given: Given, defaults: OptimizerDefaults): { [field: string]: unknown } {
  const weightDecay = notNegative(given, 'weightDecay', defaults.weightDecay)
  switch (kind) {
    case 'sgd':
      return { ...sgd(given), weightDecay }
    case 'adagrad':
      return { ...adagrad(given, defaults), weightDecay }
    case 'rmsprop':
      return {
        alpha: fraction(given, 'alpha', defaults.alpha),
        epsilon: epsilon(given, defaults),
        initialMeanSquare: notNegative(given, 'initialMeanSquare', defaults.initialMeanSquare),
        momentum: fraction(given, 'momentum', 0),
        centered: boolean('optimizer.centered', orDefault(given.centered, false)),
        weightDecay,
      }
    case 'adam':
    case 'adamw':
      return { ...adam(given, defaults), weightDecay }
  }
}

function sgd(given: Given) {
  const momentum = fraction(given, 'momentum', 0)
  const nesterov = boolean('optimizer.nesterov', orDefault(given.nesterov, false))
  const dampening = real('optimizer.dampening', orDefault(given.dampening, 0), { min: 0, max: 1 })
  if (nesterov && momentum === 0) refuse('optimizer.nesterov', nesterov, 'false, or momentum above 0')
  if (dampening > 0 && (momentum === 0 || nesterov)) {
    refuse('optimizer.dampening', dampening, '0 without momentum and with nesterov')
  }
  return { momentum, dampening, nesterov }
}

function adagrad(given: Given, defaults: OptimizerDefaults) {
  const initialAccumulator = notNegative(given, 'initialAccumulator', defaults.initialAccumulator)
  const withoutEpsilon = orDefault(given.epsilon, defaults.epsilon) === 0 && initialAccumulator >= SMALLEST
  return {
    epsilon: withoutEpsilon ? 0 : epsilon(given, defaults),
    initialAccumulator,
    learningRateDecay: notNegative(given, 'learningRateDecay'),
  }
}

function adam(given: Given, defaults: OptimizerDefaults) {
  const betas = orDefault(given.betas, [0.9, 0.999])
  if (!isList(betas) || betas.length !== 2) return refuse('optimizer.betas', betas, 'an array of two numbers in [0, 1)')
  const [beta1, beta2] = [0, 1].map((i) => real(`optimizer.betas[${i}]`, betas[i], { min: 0, exclusiveMax: 1 }))
  return {
    beta1,
    beta2,
    epsilon: epsilon(given, defaults),
    amsgrad: boolean('optimizer.amsgrad', orDefault(given.amsgrad, false)),
  }
}

function fraction(given: Given, key: string, otherwise: number | undefined): number {
  return real(fieldIn('optimizer', key), orDefault(given[key], otherwise), { min: 0, exclusiveMax: 1 })
}

function notNegative(given: Given, key: string, otherwise = 0): number {
  return real(fieldIn('optimizer', key), orDefault(given[key], otherwise), { min: 0 })
}

function epsilon(given: Given, defaults: OptimizerDefaults): number {
  return real('optimizer.epsilon', orDefault(given.epsilon, defaults.epsilon), { min: SMALLEST })
}
