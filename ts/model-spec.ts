/** From the options of a model to the engine's description of it, and how much memory it will need. */

import { freemem } from 'node:os'
import { availableMemory } from 'node:process'
import { RnnKitError } from './errors.ts'
import { refuse } from './options/check.ts'
import type { CellName, DenseActivation, RecurrentLayer } from './options/layers.ts'
import type { ModelPlan } from './options/model.ts'

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

/** The largest layer or embedding that the engine takes. */
const LARGEST_SIZE = 16_384
const GATES = { elmanTanh: 1, elmanRelu: 1, gru: 3, lstm: 4 } as const

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

/**
 * Bytes that a training takes at least: parameters, gradients and moments, what BPTT keeps of a window (gates, states and
 * their gradients at each time step and lane), and the logits.
 */
export function trainingBytes(spec: ModelSpec, moments: number, lanes: number, time: number): number {
  const perRow = spec.layers.map((layer) => (layer.kind === 'dense' ? 2 : 2 * GATES[layer.cell] + 2) * layer.size)
  const rows = lanes * time
  return (
    4 * (parameterCount(spec) * (2 + moments) + rows * (perRow.reduce((sum, width) => sum + width, 0) + spec.head.size))
  )
}

/** Bytes that this process can still take. */
export function memoryAvailable(): number {
  return Math.min(availableMemory(), freemem())
}

/** @throws ERR_MEMORY with the bytes needed and available */
export function checkMemory(needed: number, available: number): void {
  if (needed <= available) return
  throw new RnnKitError({
    code: 'ERR_MEMORY',
    message: `the model needs at least ${needed} bytes to train, ${available} are available: take smaller layers, batchSize or unrollLength`,
    value: needed,
  })
}

/** @throws ERR_INVALID_OPTION for a size that fits the memory but not the engine */
export function checkSizes(plan: ModelPlan): void {
  const wants = `at most ${LARGEST_SIZE}`
  if (plan.embedding > LARGEST_SIZE) refuse('input.embedding', plan.embedding, wants)
  plan.layers.forEach(({ size }, index) => {
    if (size > LARGEST_SIZE) refuse(plan.listed ? `layers[${index}].size` : 'hiddenSize', size, wants)
  })
}
