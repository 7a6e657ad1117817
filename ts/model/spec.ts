/** From the options of a model to the engine's description of it. */

import { MAX_SIZE } from '../limits.ts'
import type { CellName } from '../options/cell.ts'
import { refuse } from '../options/check.ts'
import type { DropoutMask, Dropped } from '../options/dropout.ts'
import type { DenseActivation, Layer, RecurrentLayer } from '../options/layers.ts'
import type { ModelPlan, StackPlan } from '../options/model.ts'

/** JSON of the engine's ModelSpec. */
export interface ModelSpec {
  input:
    | { kind: 'oneHot'; vocabulary: number }
    | { kind: 'embedding'; vocabulary: number; size: number }
    | { kind: 'real'; size: number }
  layers: LayerSpec[]
  head: { predict: 'everyStep' | 'lastStep'; size: number; projection: 'linear' | 'identity'; dropout: number }
  loss:
    | { kind: 'crossEntropy'; labelSmoothing: number; reduction: 'mean' | 'sumOverTime' }
    | { kind: 'meanSquaredError' }
    | { kind: 'rootMeanSquaredError' }
}

export type LayerSpec =
  | RecurrentSpec
  | { kind: 'dense'; size: number; activation: DenseActivation }
  | { kind: 'batchNorm'; momentum: number; epsilon: number; frozen: boolean }
  | { kind: 'dropout'; rate: number; mask: DropoutMask }

export interface RecurrentSpec {
  kind: 'recurrent'
  cell: CellName
  size: number
  bidirectional: boolean
  /** Variational: one mask for all time steps of a window. */
  dropout: { input: number; recurrent: number; perGate: boolean }
}

/** Blocks of H rows in a cell's weights. */
export const GATES = {
  elmanTanh: 1,
  elmanRelu: 1,
  elmanTanhSeparate: 1,
  elmanReluSeparate: 1,
  gru: 3,
  lstm: 4,
} as const

/** @param vocabulary its size V */
export function modelSpec(plan: ModelPlan, vocabulary: number): ModelSpec {
  const head = { size: vocabulary, projection: 'linear' } as const
  return stackSpec(plan, symbolInput(plan, vocabulary), head, { kind: 'crossEntropy', ...plan.loss })
}

/** How symbols of a vocabulary of that size enter. */
export function symbolInput({ embedding }: StackPlan, vocabulary: number): ModelSpec['input'] {
  return embedding > 0 ? { kind: 'embedding', vocabulary, size: embedding } : { kind: 'oneHot', vocabulary }
}

/** Any model: its layers between an input and a head. */
export function stackSpec(
  plan: StackPlan,
  input: ModelSpec['input'],
  head: Pick<ModelSpec['head'], 'size' | 'projection'>,
  loss: ModelSpec['loss'],
): ModelSpec {
  const predict = plan.predict === 'every-step' ? 'everyStep' : 'lastStep'
  return { input, layers: plan.layers.flatMap(layerSpecs), head: { predict, ...head, dropout: plan.headDropout }, loss }
}

/** The engine has as layers of their own what is dropped before and after a recurrent one. */
function layerSpecs(layer: Layer): LayerSpec[] {
  if (layer.kind === 'dropout') return dropoutSpecs(layer)
  if (layer.kind !== 'recurrent') return [{ ...layer }]
  const { cell, size, bidirectional } = layer
  const { input, recurrent, perGate, output, between } = layer.dropout
  const variational = input.mask === 'sequence'
  const dropout = { input: variational ? input.share : 0, recurrent, perGate }
  return [
    ...(variational ? [] : dropoutSpecs(input)),
    { kind: 'recurrent', cell, size, bidirectional, dropout },
    ...dropoutSpecs(output),
    ...dropoutSpecs({ share: between, mask: 'step' }),
  ]
}

function dropoutSpecs({ share, mask }: Dropped): LayerSpec[] {
  return share > 0 ? [{ kind: 'dropout', rate: share, mask }] : []
}

/** [recurrent layers]: what each forget gate's bias starts from, NaN where `init` decides. */
export function forgetBiases(plan: StackPlan): Float64Array {
  const layers = plan.layers.filter((layer): layer is RecurrentLayer => layer.kind === 'recurrent')
  return Float64Array.from(layers, (layer) => layer.forgetBias ?? Number.NaN)
}

/** Numbers that training changes: parameters, without batch normalisation's statistics. */
export function parameterCount(spec: ModelSpec): number {
  const { input, head } = spec
  const embedding = input.kind === 'embedding' ? input.vocabulary * input.size : 0
  const counts = withInputs(spec).map(([layer, width]) => layerParameters(layer, width))
  const projection = head.projection === 'linear' ? head.size * (outputWidth(spec) + 1) : 0
  return counts.reduce((sum, count) => sum + count, embedding) + projection
}

function layerParameters(layer: LayerSpec, input: number): number {
  switch (layer.kind) {
    case 'dense':
      return layer.size * (input + 1)
    case 'batchNorm':
      return 2 * input
    case 'dropout':
      return 0
    case 'recurrent':
      return directions(layer) * GATES[layer.cell] * layer.size * (input + layer.size + 2)
  }
}

/** Each layer with the width of what it reads. */
export function withInputs({ input, layers }: ModelSpec): [layer: LayerSpec, width: number][] {
  let width = input.kind === 'oneHot' ? input.vocabulary : input.size
  return layers.map((layer) => {
    const pair: [LayerSpec, number] = [layer, width]
    width = layerWidth(layer, width)
    return pair
  })
}

/** Width of what the head reads. */
export function outputWidth(spec: ModelSpec): number {
  const last = withInputs(spec).at(-1)
  return last === undefined ? 0 : layerWidth(...last)
}

/** Width of a layer's output. */
export function layerWidth(layer: LayerSpec, input: number): number {
  if (layer.kind === 'recurrent') return directions(layer) * layer.size
  return layer.kind === 'dense' ? layer.size : input
}

/** Ways in which a layer reads the sequence, each with weights of its own. */
export function directions({ bidirectional }: RecurrentSpec): 1 | 2 {
  return bidirectional ? 2 : 1
}

/** @throws ERR_INVALID_OPTION for a size that fits the memory but not the engine */
export function checkSizes(plan: StackPlan): void {
  const wants = `a whole number from 1 to ${MAX_SIZE}`
  if (plan.embedding > MAX_SIZE) refuse('input.embedding', plan.embedding, wants)
  plan.layers.forEach((layer, index) => {
    if (!('size' in layer) || layer.size <= MAX_SIZE) return
    refuse(plan.listed ? `layers[${index}].size` : 'hiddenSize', layer.size, wants)
  })
}

/** Whether targets are symbols, and the loss their cross-entropy. */
export function isClassifier({ loss }: Pick<ModelSpec, 'loss'>): boolean {
  return loss.kind === 'crossEntropy'
}

/** How losses of a window's predictions are joined. */
export function lossReduction({ loss }: Pick<ModelSpec, 'loss'>): 'mean' | 'sumOverTime' {
  return loss.kind === 'crossEntropy' ? loss.reduction : 'mean'
}
