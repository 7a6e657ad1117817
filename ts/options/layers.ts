/** The layers of a model: `cell`, `layers`, `hiddenSize` and `dropout.between`, or a list of layers. */

import { RnnKitError } from '../errors.ts'
import { MAX_LAYERS, MAX_SIZE } from '../limits.ts'
import { fieldIn, integer, isList, oneOf, real, record, refuse } from './check.ts'
import { orDefault } from './or-default.ts'

/** The recurrent cell by its name alone, or with what may be chosen of it. */
export type CellOptions = 'lstm' | 'gru' | 'rnn' | CellChoices

export type CellChoices =
  | {
      kind: 'lstm'
      /** The value that the forget gate's bias starts from. @default as `init` draws it */
      forgetBias?: number
    }
  | { kind: 'gru' }
  | {
      kind: 'rnn'
      /** @default 'tanh' */
      activation?: 'tanh' | 'relu'
    }

export type RecurrentLayerOptions = CellChoices & {
  /** Hidden size H, 1 to 16,384. */
  size: number
  /** Share dropped of this layer's output, [0, 1). @default the model's `dropout.between`; none after the last recurrent layer */
  dropout?: { between: number }
}

/** y = activation(W x + b) at every time step. */
export interface DenseLayerOptions {
  kind: 'dense'
  size: number
  /** @default 'linear' */
  activation?: DenseActivation
}

export type LayerOptions = RecurrentLayerOptions | DenseLayerOptions
export type DenseActivation = 'linear' | 'tanh' | 'relu' | 'sigmoid'
export type CellName = 'lstm' | 'gru' | 'elmanTanh' | 'elmanRelu'

export interface Cell {
  readonly cell: CellName
  /** `undefined`: left to `init`. */
  readonly forgetBias: number | undefined
}

export interface RecurrentLayer extends Cell {
  readonly kind: 'recurrent'
  /** Hidden size H. */
  readonly size: number
  /** Share of the output that is dropped in training, [0, 1). */
  readonly dropout: number
}

export interface DenseLayer {
  readonly kind: 'dense'
  readonly size: number
  readonly activation: DenseActivation
}

export type Layer = RecurrentLayer | DenseLayer

const RECURRENT_KINDS = ['lstm', 'gru', 'rnn'] as const
const KINDS = [...RECURRENT_KINDS, 'dense'] as const
const CELL_KEYS = { lstm: ['forgetBias'], gru: [], rnn: ['activation'] } as const

export interface LayersGiven {
  cell?: unknown
  layers?: unknown
  hiddenSize?: unknown
}

/** @param between the model's `dropout.between`, [0, 1): after every recurrent layer but the last */
export function layersOptions(given: LayersGiven, between: number): Layer[] {
  if (isList(given.layers)) return normalizeList(given, given.layers, between)
  if (given.layers !== undefined && typeof given.layers !== 'number') {
    return refuse('layers', given.layers, `a whole number from 1 to ${MAX_LAYERS}, or a list of layers`)
  }
  const count = integer('layers', orDefault(given.layers, 2), { min: 1, max: MAX_LAYERS })
  refuseBetweenNothing(count, between)
  const cell = normalizeCell('cell', orDefault(given.cell, 'lstm'))
  const size = layerSize('hiddenSize', orDefault(given.hiddenSize, 128))
  return Array.from({ length: count }, (_, index) => {
    return { kind: 'recurrent', ...cell, size, dropout: index === count - 1 ? 0 : between }
  })
}

function normalizeList(given: LayersGiven, list: readonly unknown[], between: number): Layer[] {
  for (const key of ['cell', 'hiddenSize'] as const) {
    if (given[key] !== undefined) refuse(key, given[key], 'left out beside a list of layers, which says it for each')
  }
  if (list.length < 1 || list.length > MAX_LAYERS) {
    refuse('layers', list, `a list of 1 to ${MAX_LAYERS} layers`)
  }
  const layers = Array.from(list, (entry, index) => normalizeLayer(`layers[${index}]`, entry))
  const last = layers.findLastIndex((layer) => layer.kind === 'recurrent')
  if (last === -1) refuse('layers', list, "a list with at least one layer of kind 'lstm', 'gru' or 'rnn'")
  refuseBetweenNothing(layers.filter((layer) => layer.kind === 'recurrent').length, between)
  return layers.map((layer, index): Layer => {
    if (layer.kind === 'dense') return layer
    return { ...layer, dropout: layer.dropout ?? (index === last ? 0 : between) }
  })
}

function normalizeLayer(
  field: string,
  value: unknown,
): DenseLayer | (Omit<RecurrentLayer, 'dropout'> & { dropout: number | undefined }) {
  const all = record(field, value, ['kind', 'size', 'dropout', 'activation', 'forgetBias'])
  const kind = oneOf(fieldIn(field, 'kind'), all.kind, KINDS)
  refuseForeign(field, kind, all)
  if (kind === 'dense') {
    const { size, activation = 'linear' } = record(field, all, ['kind', 'size', 'activation'])
    return {
      kind: 'dense',
      size: layerSize(fieldIn(field, 'size'), size),
      activation: oneOf(fieldIn(field, 'activation'), activation, ['linear', 'tanh', 'relu', 'sigmoid']),
    }
  }
  const given = record(field, all, ['kind', 'size', 'dropout', ...CELL_KEYS[kind]])
  const between =
    given.dropout === undefined ? undefined : record(fieldIn(field, 'dropout'), given.dropout, ['between']).between
  return {
    kind: 'recurrent',
    ...cellOf(field, kind, given),
    size: layerSize(fieldIn(field, 'size'), given.size),
    dropout: given.dropout === undefined ? undefined : dropoutShare(`${field}.dropout.between`, between),
  }
}

function normalizeCell(field: string, value: unknown): Cell {
  if (typeof value === 'string') return cellOf(field, oneOf(field, value, RECURRENT_KINDS), {})
  const all = record(field, value, ['kind', 'activation', 'forgetBias'])
  const kind = oneOf(fieldIn(field, 'kind'), all.kind, RECURRENT_KINDS)
  refuseForeign(field, kind, all)
  return cellOf(field, kind, record(field, all, ['kind', ...CELL_KEYS[kind]]))
}

function cellOf(
  field: string,
  kind: (typeof RECURRENT_KINDS)[number],
  given: { activation?: unknown; forgetBias?: unknown },
): Cell {
  switch (kind) {
    case 'rnn': {
      const activation = oneOf(fieldIn(field, 'activation'), orDefault(given.activation, 'tanh'), ['tanh', 'relu'])
      return { cell: activation === 'tanh' ? 'elmanTanh' : 'elmanRelu', forgetBias: undefined }
    }
    case 'gru':
      return { cell: 'gru', forgetBias: undefined }
    case 'lstm':
      return {
        cell: 'lstm',
        forgetBias: given.forgetBias === undefined ? undefined : real(fieldIn(field, 'forgetBias'), given.forgetBias),
      }
  }
}

/** An option of another kind's cell is told by that kind. */
function refuseForeign(field: string, kind: (typeof KINDS)[number], given: { [option: string]: unknown }): void {
  const owners = { activation: ['rnn', 'dense'], forgetBias: ['lstm'] } as const
  for (const [option, kinds] of Object.entries(owners)) {
    if (given[option] === undefined || kinds.some((owner) => owner === kind)) continue
    const path = fieldIn(field, option)
    const message = `${path} is not an option of kind '${kind}': it belongs to ${kinds.map((owner) => `'${owner}'`).join(' and ')}`
    throw new RnnKitError({ code: 'ERR_UNKNOWN_OPTION', message, field: path, value: option })
  }
}

/** Dropout between recurrent layers does nothing where there is one alone. */
function refuseBetweenNothing(recurrentLayers: number, between: number): void {
  if (recurrentLayers > 1 || between === 0) return
  refuse('dropout.between', between, '0 with a single recurrent layer: use dropout.head, or more layers')
}

/** A size that the memory check and the engine judge further: what is far too large is told by the memory it would take. */
export function layerSize(field: string, value: unknown): number {
  const whole = typeof value === 'number' && Number.isInteger(value) && value > MAX_SIZE && value < 2 ** 31
  return whole ? value : integer(field, value, { min: 1, max: MAX_SIZE })
}

export function dropoutShare(field: string, value: unknown): number {
  return real(field, value, { min: 0, exclusiveMax: 1 })
}
