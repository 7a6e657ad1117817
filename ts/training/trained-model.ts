/** What every trained model can be asked, whatever its data are. */
import type { ModelDevice } from '../device/chosen-device.ts'
import { namingFile } from '../model/naming-file.ts'
import type { Parameter } from '../model/parameter.ts'
import { type ModelSpec, parameterCount } from '../model/spec.ts'
import type { FileTensor } from '../native/engine-session.ts'
import type { NormalBatchesOptions } from '../options/batches.ts'
import type { ClipSpec } from '../options/clip.ts'
import type { OptimizerKind } from '../options/optimizer-flavours.ts'
import { pathOption } from '../options/train-char-model.ts'
import { outlivingLoss } from './device-loss.ts'
import { disposedError, type ModelParts } from './model-parts.ts'
import type { HistoryEntry } from './progress.ts'

/**
 * How a model was trained last: every option as it acted.
 * @typeParam Unroll `number | undefined` where windows may be whole rows
 */
export interface ModelRecipe<Unroll = number> {
  /** `kind`, `learningRate` and what else this kind has. */
  optimizer: { kind: OptimizerKind; learningRate: number; [field: string]: unknown }
  /** `theta`: the norm; `limit`: the value. */
  clip: ClipSpec
  batches: NormalBatchesOptions
  batchSize: number
  unrollLength: Unroll
  seed: number
}

/** What a kind of model writes to a file beside the engine's part. */
export interface ModelFile {
  readonly metadata: Record<string, string>
  readonly tensors: FileTensor[]
}

export abstract class TrainedModel<Parts extends ModelParts> {
  readonly #parts: Parts
  readonly #toFile: (parts: Parts) => ModelFile

  /** @internal */
  constructor(parts: Parts, toFile: (parts: Parts) => ModelFile) {
    this.#parts = parts
    this.#toFile = toFile
  }

  /** What the trainings reported: every 100 steps, at every epoch's end, at every evaluation and at each end. A copy. */
  get history(): HistoryEntry[] {
    return structuredClone(this.#parts.history)
  }

  /** The engine's description of the model: input, layers, head and loss. A copy. */
  get spec(): ModelSpec {
    return structuredClone(this.#parts.spec)
  }

  /** Number of trained numbers. */
  get parameterCount(): number {
    return parameterCount(this.#parts.spec)
  }

  /** How the model was trained last. A copy. */
  get recipe(): ModelRecipe<Parts['recipe']['unrollLength']> {
    const { optimizer, clip, batches, batchSize, unrollLength, seed } = this.#parts.recipe
    const { kind, ...others } = optimizer.spec
    const told = { kind, learningRate: optimizer.learningRate, ...others }
    return structuredClone({ optimizer: told, clip, batches, batchSize, unrollLength, seed })
  }

  /** Optimizer steps done, and epochs gone through. */
  get position(): { step: number; epoch: number } {
    const { steps, epoch } = this.#parts.position
    return { step: steps, epoch }
  }

  /** The device that does the work, and why it was taken; another one after a GPU was lost. */
  get device(): ModelDevice {
    const { session, device } = this.#parts
    return { name: device.engine.name, description: session.description, reason: device.reason }
  }

  /**
   * Copies of all parameters, under PyTorch's names and in its layout (`weight_ih_l0` …), at once. During a training it waits for the
   * engine's call that runs, some 50 ms: in `onProgress` none does.
   */
  parameters(): Record<string, Parameter> {
    refuseDisposed(this.#parts)
    const { session } = this.#parts
    const values = session.parameters()
    const named = session.layout.map(({ name, shape, offset }): [string, Parameter] => {
      const size = shape.reduce((product, length) => product * length, 1)
      return [name, { shape: [...shape], data: values.slice(offset, offset + size) }]
    })
    return Object.fromEntries(named)
  }

  /**
   * Writes the model with its training state to a safetensors file, durably: an old file of that name stays whole until the new one is.
   * The path is used as it is given.
   * @throws ERR_CHECKPOINT_WRITE
   */
  async save(path: string): Promise<void> {
    pathOption('path', path)
    refuseDisposed(this.#parts)
    const parts = this.#parts
    const write = async () => {
      const { metadata, tensors } = this.#toFile(parts)
      await namingFile(path, () => parts.session.save(path, metadata, tensors, true))
    }
    await outlivingLoss(parts, () => parts.turns.share(write))
  }

  /**
   * Frees the engine's memory and thread. A training that runs is rejected with ERR_DISPOSED. Safe to call again.
   *
   * A property of the model itself, because structuredClone and postMessage refuse functions: a copy would be an empty object.
   */
  readonly dispose = (): void => {
    this.#parts.disposed = true
    this.#parts.session.close()
  };

  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** @throws ERR_DISPOSED */
export function refuseDisposed({ disposed }: ModelParts): void {
  if (disposed) throw disposedError()
}
