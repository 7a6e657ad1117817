/** The layers of a model: `cell`, `layers`, `hiddenSize` and `bidirectional`, or a list of layers. */
import { MAX_LAYERS, MAX_SIZE } from '../limits.ts'
import { type Cell, type CellChoices, cellOf, cellOptions, RECURRENT_KINDS, type RecurrentKind } from './cell.ts'
import { boolean, fieldIn, integer, isList, oneOf, real, record, refuse } from './check.ts'
import {
  completeDropout,
  DROPOUT_KEYS,
  type DropoutMask,
  type Dropped,
  dropped,
  type GivenDropout,
  givenDropout,
  hasSteadyMask,
  type LayerDropout,
  type RecurrentDropoutOptions,
  refusePerGate,
} from './dropout.ts'
import { LAYER_KEYS, refuseForeign } from './layer-keys.ts'
import { orDefault } from './or-default.ts'

export type RecurrentLayerOptions = CellChoices & {
  /** Hidden size H, 1 to 16,384; of each direction. */
  size: number
  /**
   * A second set of weights reads the window from its end; the outputs of both stand side by side, 2 H values. Before a head that
   * predicts at the last step both *final* states do. @default false
   */
  bidirectional?: boolean
  /** Dropout in training; what is left out is as in the model's `dropout`. @default the model's */
  dropout?: RecurrentDropoutOptions
}

/** y = activation(W x + b) at every time step. */
export interface DenseLayerOptions {
  kind: 'dense'
  size: number
  /** @default 'linear' */
  activation?: DenseActivation
}

/**
 * Batch normalisation of each feature over all time steps and lanes of a window; outside training, and where it is frozen, by moving
 * statistics, which the model's file keeps. Keras's BatchNormalization.
 */
export interface BatchNormLayerOptions {
  kind: 'batchNorm'
  /** Share of the *old* moving statistics that a step keeps, [0, 1). @default 0.99 */
  momentum?: number
  /** Added to the variance, at least 1e-30. @default 1e-3 */
  epsilon?: number
  /** Normalise by the moving statistics in training too, and leave them as they are. @default false */
  frozen?: boolean
}

/** Dropout of what the layer before gives. */
export interface DropoutLayerOptions {
  kind: 'dropout'
  /** Share dropped, [0, 1). */
  share: number
  /** What has a draw of its own. @default 'step' */
  mask?: DropoutMask
}

export type LayerOptions = RecurrentLayerOptions | DenseLayerOptions | BatchNormLayerOptions | DropoutLayerOptions
export type DenseActivation = 'linear' | 'tanh' | 'relu' | 'sigmoid'

export interface RecurrentLayer extends Cell {
  readonly kind: 'recurrent'
  /** Hidden size H. */
  readonly size: number
  readonly bidirectional: boolean
  readonly dropout: LayerDropout
}

export interface DenseLayer {
  readonly kind: 'dense'
  readonly size: number
  readonly activation: DenseActivation
}

export interface BatchNormLayer {
  readonly kind: 'batchNorm'
  readonly momentum: number
  readonly epsilon: number
  readonly frozen: boolean
}

export interface DropoutLayer extends Dropped {
  readonly kind: 'dropout'
}

export type Layer = RecurrentLayer | DenseLayer | BatchNormLayer | DropoutLayer

const KINDS = [...RECURRENT_KINDS, 'dense', 'batchNorm', 'dropout'] as const

export interface LayersGiven {
  cell?: unknown
  layers?: unknown
  hiddenSize?: unknown
  bidirectional?: unknown
}

/** @param dropout the model's own, of every recurrent layer */
export function layersOptions(given: LayersGiven, dropout: GivenDropout): Layer[] {
  if (isList(given.layers)) return listedLayers(given, given.layers, dropout)
  if (given.layers !== undefined && typeof given.layers !== 'number') {
    return refuse('layers', given.layers, `a whole number from 1 to ${MAX_LAYERS}, or a list of layers`)
  }
  const count = integer('layers', orDefault(given.layers, 2), { min: 1, max: MAX_LAYERS })
  const cell = cellOptions('cell', orDefault(given.cell, 'lstm'))
  const size = layerSize('hiddenSize', orDefault(given.hiddenSize, 128))
  const bidirectional = boolean('bidirectional', orDefault(given.bidirectional, false))
  const layers = Array.from({ length: count }, (_, index): RecurrentLayer => {
    const completed = completeDropout(NO_DROPOUT, dropout, index === count - 1)
    return { kind: 'recurrent', ...cell, size, bidirectional, dropout: completed }
  })
  refuseDropoutOfNothing(layers, dropout)
  return layers
}

const NO_DROPOUT = givenDropout('', {})

function listedLayers(given: LayersGiven, list: readonly unknown[], dropout: GivenDropout): Layer[] {
  for (const key of ['cell', 'hiddenSize', 'bidirectional'] as const) {
    if (given[key] !== undefined) refuse(key, given[key], 'left out beside a list of layers, which says it for each')
  }
  refuseLength(list, list.length, 2 * MAX_LAYERS)
  const entries = Array.from(list, (entry, index) => listedLayer(`layers[${index}]`, entry))
  const dropouts = entries.filter((layer) => layer.kind === 'dropout').length
  refuseLength(list, Math.max(dropouts, entries.length - dropouts), MAX_LAYERS)
  const last = entries.findLastIndex((layer) => layer.kind === 'recurrent')
  const layers = entries.map((layer, index): Layer => {
    if (layer.kind !== 'recurrent') return layer
    const completed = completeDropout(layer.dropout, dropout, index === last)
    if (layer.dropout.perGate && !hasSteadyMask(completed)) refusePerGate(`layers[${index}].dropout`)
    return { ...layer, dropout: completed }
  })
  refuseDropoutOfNothing(layers, dropout)
  return layers
}

function refuseLength(list: readonly unknown[], length: number, most: number): void {
  if (list.length >= 1 && length <= most) return
  refuse('layers', list, `a list of 1 to ${MAX_LAYERS} layers, and at most as many of kind 'dropout' among them`)
}

type Listed = Exclude<Layer, RecurrentLayer> | (Omit<RecurrentLayer, 'dropout'> & { dropout: GivenDropout })

function listedLayer(field: string, value: unknown): Listed {
  const given = record(field, value, LAYER_KEYS)
  const kind = oneOf(fieldIn(field, 'kind'), given.kind, KINDS)
  refuseForeign(field, kind, given)
  switch (kind) {
    case 'dense':
      return denseLayer(field, given)
    case 'batchNorm':
      return batchNormLayer(field, given)
    case 'dropout':
      return { kind, ...dropped(field, { share: given.share, mask: given.mask }, 'step') }
    default:
      return recurrentLayer(field, kind, given)
  }
}

type GivenLayer = { readonly [K in (typeof LAYER_KEYS)[number]]?: unknown }

function denseLayer(field: string, { size, activation = 'linear' }: GivenLayer): DenseLayer {
  return {
    kind: 'dense',
    size: layerSize(fieldIn(field, 'size'), size),
    activation: oneOf(fieldIn(field, 'activation'), activation, ['linear', 'tanh', 'relu', 'sigmoid']),
  }
}

function batchNormLayer(field: string, given: GivenLayer): BatchNormLayer {
  const { momentum = 0.99, epsilon = 1e-3, frozen = false } = given
  return {
    kind: 'batchNorm',
    momentum: real(fieldIn(field, 'momentum'), momentum, { min: 0, exclusiveMax: 1 }),
    epsilon: real(fieldIn(field, 'epsilon'), epsilon, { min: 1e-30 }),
    frozen: boolean(fieldIn(field, 'frozen'), frozen),
  }
}

function recurrentLayer(field: string, kind: RecurrentKind, given: GivenLayer): Listed {
  const { size, bidirectional = false, dropout = {} } = given
  const at = fieldIn(field, 'dropout')
  return {
    kind: 'recurrent',
    ...cellOf(field, kind, given),
    size: layerSize(fieldIn(field, 'size'), size),
    bidirectional: boolean(fieldIn(field, 'bidirectional'), bidirectional),
    dropout: givenDropout(at, record(at, dropout, DROPOUT_KEYS)),
  }
}

/** Dropout that the model asks for and no layer could have. */
function refuseDropoutOfNothing(layers: readonly Layer[], { between = 0, perGate }: GivenDropout): void {
  const recurrent = layers.filter((layer) => layer.kind === 'recurrent')
  if (recurrent.length <= 1 && between > 0) {
    refuse('dropout.between', between, '0 with a single recurrent layer: use dropout.head, or more layers')
  }
  if (perGate && !recurrent.some(({ dropout }) => hasSteadyMask(dropout))) refusePerGate('dropout')
}

/** A size that the memory check and the engine judge further: what is far too large is told by the memory it would take. */
export function layerSize(field: string, value: unknown): number {
  const whole = typeof value === 'number' && Number.isInteger(value) && value > MAX_SIZE && value < 2 ** 31
  return whole ? value : integer(field, value, { min: 1, max: MAX_SIZE })
}
