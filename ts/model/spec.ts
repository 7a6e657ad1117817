/** From the options of a model to the engine's description of it. */

import { MAX_SIZE } from '../limits.ts'
import { refuse } from '../options/check.ts'
import type { CellName, DenseActivation, RecurrentLayer } from '../options/layers.ts'
import type { ModelPlan } from '../options/model.ts'

/** JSON of the engine's ModelSpec, as far as models of text use it. */
export interface ModelSpec {
  input: { kind: 'oneHot'; vocabulary: number } | { kind: 'embedding'; vocabulary: number; size: number }
  layers: LayerSpec[]
  head: { predict: 'everyStep' | 'lastStep'; size: number; projection: 'linear'; dropout: number }
  loss: { kind: 'crossEntropy'; labelSmoothing: number; reduction: 'mean' | 'sumOverTime' }
}

export type LayerSpec =
  | { kind: 'recurrent'; cell: CellName; size: number; dropout: number }
  | { kind: 'dense'; size: number; activation: DenseActivation }

/** Blocks of H rows in a cell's weights. */
export const GATES = { elmanTanh: 1, elmanRelu: 1, gru: 3, lstm: 4 } as const

/** @param vocabulary its size V */
export function modelSpec(plan: ModelPlan, vocabulary: number): ModelSpec {
  return {
    input:
      plan.embedding > 0 ? { kind: 'embedding', vocabulary, size: plan.embedding } : { kind: 'oneHot', vocabulary },
    layers: plan.layers.map((layer): LayerSpec => {
      if (layer.kind === 'dense') return { ...layer }
      return { kind: 'recurrent', cell: layer.cell, size: layer.size, dropout: layer.dropout }
    }),
    head: {
      predict: plan.predict === 'every-step' ? 'everyStep' : 'lastStep',
      size: vocabulary,
      projection: 'linear',
      dropout: plan.headDropout,
    },
    loss: { kind: 'crossEntropy', ...plan.loss },
  }
}

/** [recurrent layers]: what each forget gate's bias starts from, NaN where `init` decides. */
export function forgetBiases(plan: ModelPlan): Float64Array {
  const layers = plan.layers.filter((layer): layer is RecurrentLayer => layer.kind === 'recurrent')
  return Float64Array.from(layers, (layer) => layer.forgetBias ?? Number.NaN)
}

/** Parameters of the model, as numbers. */
export function parameterCount(spec: ModelSpec): number {
  let width = spec.input.kind === 'embedding' ? spec.input.size : spec.input.vocabulary
  let count = spec.input.kind === 'embedding' ? spec.input.vocabulary * width : 0
  for (const layer of spec.layers) {
    count +=
      layer.kind === 'dense' ? layer.size * (width + 1) : GATES[layer.cell] * layer.size * (width + layer.size + 2)
    width = layer.size
  }
  return count + spec.head.size * (width + 1)
}

/** @throws ERR_INVALID_OPTION for a size that fits the memory but not the engine */
export function checkSizes(plan: ModelPlan): void {
  const wants = `a whole number from 1 to ${MAX_SIZE}`
  if (plan.embedding > MAX_SIZE) refuse('input.embedding', plan.embedding, wants)
  plan.layers.forEach(({ size }, index) => {
    if (size > MAX_SIZE) refuse(plan.listed ? `layers[${index}].size` : 'hiddenSize', size, wants)
  })
}
