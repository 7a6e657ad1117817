/** The optimizer and clipping: names and defaults are PyTorch's, but for Adam's learning rate. */
import { boolean, fieldIn, isList, real, record, refuse, variant } from './check.ts'
import { orDefault } from './or-default.ts'

/** Stochastic gradient descent. */
export interface SgdOptions {
  kind: 'sgd'
  /** @default 1e-3 */
  learningRate?: number
  /** [0, 1). @default 0 */
  momentum?: number
  /** [0, 1]; needs momentum. @default 0 */
  dampening?: number
  /** Needs momentum. @default false */
  nesterov?: boolean
  /** L2 penalty. @default 0 */
  weightDecay?: number
}

export interface AdagradOptions {
  kind: 'adagrad'
  /** @default 1e-2 */
  learningRate?: number
  /** The sum of squares starts from this. @default 0 */
  initialAccumulator?: number
  /** The rate at step s is learningRate / (1 + s * learningRateDecay). @default 0 */
  learningRateDecay?: number
  /** @default 1e-10 */
  epsilon?: number
  /** L2 penalty. @default 0 */
  weightDecay?: number
}

export interface RmsPropOptions {
  kind: 'rmsprop'
  /** @default 1e-2 */
  learningRate?: number
  /** How much of the running mean of squares is kept, [0, 1). @default 0.99 */
  alpha?: number
  /** @default 1e-8 */
  epsilon?: number
  /** [0, 1). @default 0 */
  momentum?: number
  /** Takes the running mean out of the mean of squares. @default false */
  centered?: boolean
  /** L2 penalty. @default 0 */
  weightDecay?: number
}

export interface AdamOptions {
  kind: 'adam' | 'adamw'
  /** @default 2e-3 ('adam'), 1e-3 ('adamw') */
  learningRate?: number
  /** How much of the running means of gradients and of their squares is kept, each [0, 1). @default [0.9, 0.999] */
  betas?: readonly [number, number]
  /** @default 1e-8 */
  epsilon?: number
  /** Divides by the largest mean of squares so far. @default false */
  amsgrad?: boolean
  /** L2 penalty ('adam'), or decay apart from the gradient ('adamw'). @default 0 ('adam'), 0.01 ('adamw') */
  weightDecay?: number
}

/** The kind alone, or with what may be chosen of it. */
export type OptimizerOptions = OptimizerKind | SgdOptions | AdagradOptions | RmsPropOptions | AdamOptions

export type OptimizerKind = 'sgd' | 'adagrad' | 'rmsprop' | 'adam' | 'adamw'

/** `spec` crosses to the engine as it is; the learning rate goes along with each step. */
export interface Optimizer {
  readonly learningRate: number
  readonly spec: OptimizerSpec
}

/** JSON of the engine's optimizer. */
export type OptimizerSpec = { readonly kind: OptimizerKind } & { readonly [field: string]: unknown }

const KEYS = {
  sgd: ['learningRate', 'momentum', 'dampening', 'nesterov', 'weightDecay'],
  adagrad: ['learningRate', 'initialAccumulator', 'learningRateDecay', 'epsilon', 'weightDecay'],
  rmsprop: ['learningRate', 'alpha', 'epsilon', 'momentum', 'centered', 'weightDecay'],
  adam: ['learningRate', 'betas', 'epsilon', 'amsgrad', 'weightDecay'],
  adamw: ['learningRate', 'betas', 'epsilon', 'amsgrad', 'weightDecay'],
} as const
const LEARNING_RATES = { sgd: 1e-3, adagrad: 1e-2, rmsprop: 1e-2, adam: 2e-3, adamw: 1e-3 } as const

export function optimizerOptions(value: unknown): Optimizer {
  const { kind, given } = variant('optimizer', orDefault(value, 'adam'), KEYS)
  const options: Given = given
  const learningRate = real('optimizer.learningRate', orDefault(options.learningRate, LEARNING_RATES[kind]), {
    exclusiveMin: 0,
  })
  return { learningRate, spec: { kind, ...specOf(kind, options) } }
}

type Given = { [option: string]: unknown }

function specOf(kind: OptimizerKind, given: Given): { [field: string]: unknown } {
  switch (kind) {
    case 'sgd':
      return sgd(given)
    case 'adagrad':
      return {
        epsilon: epsilon(given, 1e-10),
        initialAccumulator: notNegative(given, 'initialAccumulator'),
        learningRateDecay: notNegative(given, 'learningRateDecay'),
        weightDecay: notNegative(given, 'weightDecay'),
      }
    case 'rmsprop':
      return {
        alpha: fraction(given, 'alpha', 0.99),
        epsilon: epsilon(given, 1e-8),
        momentum: fraction(given, 'momentum', 0),
        centered: boolean('optimizer.centered', orDefault(given.centered, false)),
        weightDecay: notNegative(given, 'weightDecay'),
      }
    case 'adam':
      return adam(given, 0)
    case 'adamw':
      return adam(given, 0.01)
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
  return { momentum, dampening, nesterov, weightDecay: notNegative(given, 'weightDecay') }
}

function adam(given: Given, weightDecay: number) {
  const betas = orDefault(given.betas, [0.9, 0.999])
  if (!isList(betas) || betas.length !== 2) return refuse('optimizer.betas', betas, 'an array of two numbers in [0, 1)')
  const [beta1, beta2] = [0, 1].map((i) => real(`optimizer.betas[${i}]`, betas[i], { min: 0, exclusiveMax: 1 }))
  return {
    beta1,
    beta2,
    epsilon: epsilon(given, 1e-8),
    amsgrad: boolean('optimizer.amsgrad', orDefault(given.amsgrad, false)),
    weightDecay: notNegative(given, 'weightDecay', weightDecay),
  }
}

function fraction(given: Given, key: string, otherwise: number): number {
  return real(fieldIn('optimizer', key), orDefault(given[key], otherwise), { min: 0, exclusiveMax: 1 })
}

function notNegative(given: Given, key: string, otherwise = 0): number {
  return real(fieldIn('optimizer', key), orDefault(given[key], otherwise), { min: 0 })
}

/** Smaller ones vanish beside the roots of f32 numbers. */
function epsilon(given: Given, otherwise: number): number {
  return real('optimizer.epsilon', orDefault(given.epsilon, otherwise), { min: 1e-30 })
}

/** `{ norm }`: all gradients are scaled by min(1, norm / (globalNorm + epsilon)). `{ value }`: each is limited to ±value. `false`: none. */
export type ClipOptions =
  | {
      norm: number
      /** PyTorch's clip_grad_norm_ has 1e-6. @default 0 */
      epsilon?: number
      value?: never
    }
  | { value: number; norm?: never }
  | false

/** JSON of the engine's clipping. */
export type ClipSpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'norm'; readonly theta: number; readonly epsilon: number }
  | { readonly kind: 'value'; readonly limit: number }

export function clipOptions(value: unknown): ClipSpec {
  if (value === undefined) return { kind: 'norm', theta: 5, epsilon: 0 }
  if (value === false) return { kind: 'none' }
  if (typeof value !== 'object' || value === null) return refuse('clip', value, '{ norm }, { value } or false')
  const given = record('clip', value, ['norm', 'epsilon', 'value'])
  if ((given.norm === undefined) === (given.value === undefined))
    return refuse('clip', value, '{ norm }, { value } or false')
  if (given.norm !== undefined) {
    const theta = real('clip.norm', given.norm, { exclusiveMin: 0 })
    return { kind: 'norm', theta, epsilon: real('clip.epsilon', orDefault(given.epsilon, 0), { min: 0 }) }
  }
  if (given.epsilon !== undefined) return refuse('clip.epsilon', given.epsilon, 'left out beside clip.value')
  return { kind: 'value', limit: real('clip.value', given.value, { exclusiveMin: 0 }) }
}
