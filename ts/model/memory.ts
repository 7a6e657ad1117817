/** How much memory a training will need, and whether it is there. */

import { freemem } from 'node:os'
import { RnnKitError } from '../errors.ts'
import type { DeviceName } from '../options/device.ts'
import type { OptimizerSpec } from '../options/optimizer.ts'
import { directions, GATES, type LayerSpec, type ModelSpec, parameterCount, withInputs } from './spec.ts'

/** The CPU's kernels keep the matrices in up to so many more orders, packed for their products. */
const PACKED_COPIES = 3

export interface TrainingSize {
  /** Buffers of the optimizer, each as large as the parameters: `momentBuffers`. */
  readonly moments: number
  /** N. */
  readonly lanes: number
  /** T. */
  readonly time: number
  /** 'auto' counts as the CPU, where it begins. */
  readonly device: DeviceName
}

/** Buffers that the optimizer keeps, each as large as the parameters. */
export function momentBuffers({ kind, ...options }: OptimizerSpec): number {
  const momentum = typeof options.momentum === 'number' && options.momentum > 0 ? 1 : 0
  switch (kind) {
    case 'sgd':
      return momentum
    case 'adagrad':
      return 1
    case 'rmsprop':
      return 1 + momentum + (options.centered === true ? 1 : 0)
    case 'adam':
    case 'adamw':
      return options.amsgrad === true ? 3 : 2
  }
}

/**
 * Bytes of the host that a training takes about: parameters, gradients, moments and packed copies, what BPTT keeps of a window (gates, states and
 * their gradients at each time step and lane), and the logits. Of one on a GPU: the snapshot, and the next one while it is read; what it
 * takes there is the engine's to check.
 */
export function trainingBytes(spec: ModelSpec, size: TrainingSize): number {
  return parameterBytes(spec, size) + windowBytes(spec, size)
}

function parameterBytes(spec: ModelSpec, { moments, device }: TrainingSize): number {
  const onHost = 2 + moments + (device === 'reference' ? 0 : PACKED_COPIES)
  const copies = device === 'gpu' ? 2 * (1 + moments) : onHost
  return 4 * parameterCount(spec) * copies
}

function windowBytes(spec: ModelSpec, { lanes, time, device }: TrainingSize): number {
  if (device === 'gpu') return 0
  const perRow = withInputs(spec).map(([layer, width], index) => rowWidth(layer, width) + oneHotRow(spec, index))
  return 4 * lanes * time * (perRow.reduce((sum, width) => sum + width, 0) + spec.head.size)
}

/** Numbers kept of one time step and lane: outputs and gates with their gradients, a mask. @param input width of what the layer reads */
function rowWidth(layer: LayerSpec, input: number): number {
  switch (layer.kind) {
    case 'dense':
      return 2 * layer.size
    case 'batchNorm':
      return 2 * input
    case 'dropout':
      return 3 * input
    case 'recurrent': {
      const copies = layer.dropout.perGate ? GATES[layer.cell] : 1
      const dropped = layer.dropout.input > 0 ? 2 * copies * input : 0
      const cells = (2 * GATES[layer.cell] + 2) * layer.size
      // Of two directions: the input turned, and the outputs joined.
      const both = layer.bidirectional ? 2 * input + 4 * layer.size : 0
      return directions(layer) * (cells + dropped) + both
    }
  }
}

/** A one-hot input stands in memory, with its gradient, where the first layer cannot pick columns of its weights by ids. */
function oneHotRow({ input, layers }: ModelSpec, index: number): number {
  const first = layers[index]!
  if (index > 0 || input.kind !== 'oneHot') return 0
  const picks =
    first.kind === 'dense' || (first.kind === 'recurrent' && !first.bidirectional && first.dropout.input === 0)
  return picks ? 0 : 2 * input.vocabulary
}

/** Bytes that this process can still take, limits of its container included. */
export function memoryAvailable(): number {
  // Node 20.13 and 22 have it; the package's types are of a version that does.
  const { availableMemory } = process as { availableMemory?: () => number }
  if (availableMemory !== undefined) return availableMemory()
  const limit = process.constrainedMemory() ?? 0
  return limit > 0 ? Math.min(limit, freemem()) : freemem()
}

/**
 * @param widths the option that sets how wide the layers are
 * @param times the option that sets how long windows are
 * @throws ERR_MEMORY with the bytes needed and available, and the option that asks for most of them
 */
export function checkMemory(
  spec: ModelSpec,
  size: TrainingSize,
  available: number,
  widths: string,
  times = 'unrollLength',
): void {
  const needed = trainingBytes(spec, size)
  if (needed <= available) return
  const { lanes, time } = size
  const widest = Math.max(...spec.layers.map((layer) => ('size' in layer ? layer.size : 0)))
  const [field, value] =
    parameterBytes(spec, size) > windowBytes(spec, size)
      ? [widths, widest]
      : lanes > time
        ? ['batchSize', lanes]
        : [times, time]
  throw new RnnKitError({
    code: 'ERR_MEMORY',
    message: `${field} is ${value}: the model needs about ${gigabytes(needed)} to train, ${gigabytes(available)} are available (${needed} and ${available} bytes): take smaller layers, batchSize or ${times}`,
    field,
    value,
  })
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toLocaleString('en', { maximumSignificantDigits: 3 })} GB`
}
