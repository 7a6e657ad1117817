/** The options that define a model of text: layers, input, head, initial values and loss. */

import type { CellOptions } from './cell.ts'
import { fieldIn, isList, oneOf, real, record, refuse } from './check.ts'
import { DROPOUT_KEYS, dropoutShare, givenDropout, type RecurrentDropoutOptions } from './dropout.ts'
import { type Layer, type LayerOptions, layerSize, layersOptions } from './layers.ts'
import { orDefault } from './or-default.ts'

export interface ModelOptions {
  /** The recurrent cell of all layers; not beside a list of layers. @default 'lstm' */
  cell?: CellOptions
  /** How many recurrent layers, 1 to 16, or the layers one by one. @default 2 */
  layers?: number | readonly LayerOptions[]
  /** Hidden size H of every layer; not beside a list of layers. @default 128 */
  hiddenSize?: number
  /**
   * Every layer reads the window from its end, too; not beside a list of layers. Of a model of text only with `predict: 'last-step'`:
   * at any other step it would see the symbol to be predicted. @default false
   */
  bidirectional?: boolean
  /** How symbols enter the first layer. @default 'one-hot' */
  input?: InputOptions
  /** Whether each time step of a window predicts its next symbol, or the last alone. @default 'every-step' */
  predict?: Predict
  /** Dropout in training, of every recurrent layer that does not say otherwise. @default none */
  dropout?: DropoutOptions
  /** Initial values of all stored tensors. @default 'pytorch' */
  init?: InitOptions
  /** What training minimises. @default { labelSmoothing: 0, reduction: 'mean' } */
  loss?: LossOptions
}

export type InputOptions = 'one-hot' | { embedding: number }
export type Predict = 'every-step' | 'last-step'

export interface DropoutOptions extends RecurrentDropoutOptions {
  /** Share dropped of what the head reads, at every time step, [0, 1). @default 0 */
  head?: number
}

/**
 * 'pytorch', as torch.nn has them: recurrent layers' weights and biases uniform ±1/√H, dense layers' and the head's uniform
 * ±1/√inputs, the embedding N(0, 1). 'keras': Glorot uniform, orthogonal recurrence, forget bias 1. `{ normal }`: N(0, normal²), biases 0.
 * 'xavier': Glorot uniform, biases 0. 'orthogonal': orthogonal matrices, biases 0. 'identity': the recurrence of 'rnn' cells is
 * the identity, the rest as 'xavier'; refused for other cells.
 */
export type InitOptions = 'pytorch' | 'keras' | 'xavier' | 'orthogonal' | 'identity' | { normal: number }

export interface LossOptions {
  /** Share of the target spread evenly over the vocabulary, [0, 1). @default 0 */
  labelSmoothing?: number
  /** 'mean' over all predictions of a window, or summed over time and mean over lanes. @default 'mean' */
  reduction?: 'mean' | 'sumOverTime'
}

/** What models of all kinds are made of, without optionals; how wide input and head are is not known here yet. */
export interface StackPlan {
  /** Whether the layers were given as a list: how errors name them. */
  readonly listed: boolean
  readonly layers: readonly Layer[]
  /** Embedding size, or 0 for one-hot. */
  readonly embedding: number
  readonly predict: Predict
  readonly headDropout: number
  readonly init: Exclude<InitOptions, object> | { readonly normal: number }
}

export interface ModelPlan extends StackPlan {
  readonly loss: Readonly<Required<LossOptions>>
}

export const STACK_KEYS = [
  'cell',
  'layers',
  'hiddenSize',
  'bidirectional',
  'input',
  'predict',
  'dropout',
  'init',
] as const
export const MODEL_KEYS = [...STACK_KEYS, 'loss'] as const

export function modelOptions(given: { [K in (typeof MODEL_KEYS)[number]]?: unknown }): ModelPlan {
  const stack = stackOptions(given)
  if (!stack.layers.some((layer) => layer.kind === 'recurrent')) {
    refuse('layers', given.layers, "a list with at least one layer of kind 'lstm', 'gru' or 'rnn'")
  }
  return { ...stack, loss: normalizeLoss(given.loss) }
}

/** The same without a loss; the layers may all be without recurrence. */
export function stackOptions(given: { [K in (typeof STACK_KEYS)[number]]?: unknown }): StackPlan {
  const { head = 0, ...dropout } = record('dropout', orDefault(given.dropout, {}), [...DROPOUT_KEYS, 'head'])
  const layers = layersOptions(given, givenDropout('dropout', dropout))
  return {
    listed: isList(given.layers),
    layers,
    embedding: normalizeInput(given.input),
    predict: oneOf('predict', orDefault(given.predict, 'every-step'), ['every-step', 'last-step']),
    headDropout: dropoutShare('dropout.head', head),
    init: normalizeInit(orDefault(given.init, 'pytorch'), layers),
  }
}

function normalizeInput(value: unknown): number {
  if (value === undefined || value === 'one-hot') return 0
  if (typeof value !== 'object' || value === null) return refuse('input', value, "'one-hot' or { embedding: size }")
  return layerSize('input.embedding', record('input', value, ['embedding']).embedding)
}

function normalizeInit(value: unknown, layers: readonly Layer[]): StackPlan['init'] {
  if (typeof value === 'object' && value !== null) {
    return { normal: real('init.normal', record('init', value, ['normal']).normal, { exclusiveMin: 0 }) }
  }
  const init = oneOf('init', value, ['pytorch', 'keras', 'xavier', 'orthogonal', 'identity'])
  const gated = layers.some((layer) => layer.kind === 'recurrent' && !layer.cell.startsWith('elman'))
  if (init === 'identity' && gated) {
    return refuse('init', init, "another one, or every recurrent layer must be an 'rnn': gates have no identity")
  }
  return init
}

function normalizeLoss(value: unknown): ModelPlan['loss'] {
  if (value === undefined) return { labelSmoothing: 0, reduction: 'mean' }
  const { labelSmoothing = 0, reduction = 'mean' } = record('loss', value, ['labelSmoothing', 'reduction'])
  return {
    labelSmoothing: real(fieldIn('loss', 'labelSmoothing'), labelSmoothing, { min: 0, exclusiveMax: 1 }),
    reduction: oneOf(fieldIn('loss', 'reduction'), reduction, ['mean', 'sumOverTime']),
  }
}
