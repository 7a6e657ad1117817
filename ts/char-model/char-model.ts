/** A trained model of text: it writes, scores, trains on, and goes into a file and out of it. */
import { stoppable, stoppablePieces } from '../aborted.ts'
import { type BatchOrder, refuseUnscorable } from '../batches/index.ts'
import { normalising } from '../corpus/read-corpus.ts'
import type { Unit } from '../corpus/segment.ts'
import type { ModelDevice } from '../device/chosen-device.ts'
import type { LossReport } from '../metrics.ts'
import { type ModelSpec, parameterCount } from '../model/spec.ts'
import type { ClipSpec, OptimizerKind } from '../options/optimizer.ts'
import { type SamplingOptions, samplingOptions } from '../options/sampling.ts'
import {
  type EvaluateOptions,
  evaluateOptions,
  type LoadOptions,
  pathOption,
  type TrainOptionsOf,
  trainOptions,
} from '../options/train-char-model.ts'
import { inSlices } from '../slices.ts'
import { evaluate } from '../training/evaluation.ts'
import type { HistoryEntry } from '../training/progress.ts'
import { toFile } from './checkpoint.ts'
import { heedingLoss, outlivingLoss, piecesOutlivingLoss } from './device-loss.ts'
import { loadCharModel } from './load.ts'
import { namingFile } from './naming-file.ts'
import { type CharParts, disposedError, usualContext } from './parts.ts'
import { evaluationPlan, trainExclusively, trainFurther } from './training.ts'
import { streamText, writeText } from './writing.ts'

/**
 * Options of a further training. Without `optimizer` it goes on as if it had never stopped; what is left out stays as it was. With
 * one, moments, schedule, step count and positions start anew, and the options left out stay as they were (but `schedule`, which is
 * then constant by default).
 */
export type TrainOptions = TrainOptionsOf<CharModel>

/** A parameter tensor, under PyTorch's name and in its layout. */
export interface Parameter {
  shape: number[]
  /** Row-major; a copy. */
  data: Float32Array
}

/** How a model was trained last: every option as it acted. */
export interface ModelRecipe {
  /** `kind`, `learningRate` and what else this kind has. */
  optimizer: { kind: OptimizerKind; learningRate: number; [field: string]: unknown }
  /** `theta`: the norm; `limit`: the value. */
  clip: ClipSpec
  batches: { order: BatchOrder; offset: 0 | 'random' }
  batchSize: number
  unrollLength: number
  seed: number
}

/**
 * Made by `trainCharModel` or `CharModel.load`. All methods but the getters throw ERR_DISPOSED after `dispose`. Methods may be called
 * at any time, during a training too: between its calls of the engine, and together with one another. Each sees the model as the last
 * finished steps left it (`stream` for each piece, all others from beginning to end).
 *
 * A call that finds the GPU lost throws ERR_DEVICE_LOST; the model is on the CPU from then on, as it was at the last snapshot (about
 * every 30 s of a training, and at its end), and may be called again.
 */
export class CharModel {
  readonly #parts: CharParts

  /** @internal */
  constructor(parts: CharParts) {
    this.#parts = parts
  }

  /**
   * Reads a model from a file that `save` wrote.
   * @throws ERR_CHECKPOINT_… for anything else, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_…
   */
  static async load(path: string, options?: LoadOptions): Promise<CharModel> {
    return new CharModel(await loadCharModel(path, options))
  }

  /** What the trainings reported: every 100 steps, at every epoch's end, at every evaluation and at each end. A copy. */
  get history(): HistoryEntry[] {
    return structuredClone(this.#parts.history)
  }

  /** The symbols that the model knows, in the order of their ids. */
  get vocabulary(): readonly string[] {
    return this.#parts.vocabulary.symbols
  }

  /** What one symbol is. */
  get unit(): Unit {
    return this.#parts.vocabulary.unit
  }

  /** How the model was trained last. A copy. */
  get recipe(): ModelRecipe {
    const { optimizer, clip, batches, batchSize, unrollLength, seed } = this.#parts.recipe
    const { kind, ...others } = optimizer.spec
    const told = { kind, learningRate: optimizer.learningRate, ...others }
    return structuredClone({ optimizer: told, clip, batches, batchSize, unrollLength, seed })
  }

  /** The engine's description of the model: input, layers, head and loss. A copy. */
  get spec(): ModelSpec {
    return structuredClone(this.#parts.spec)
  }

  /** Number of trained numbers. */
  get parameterCount(): number {
    return parameterCount(this.#parts.spec)
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
   * New text after a prefix (the new text only).
   * @throws ERR_UNKNOWN_SYMBOL for a prefix with symbols the model does not know, ERR_ABORTED, ERR_INVALID_OPTION,
   *   ERR_NON_FINITE for a model whose training has run off
   */
  async sample(options?: SamplingOptions): Promise<string> {
    const sampling = samplingOptions(options)
    this.#refuseDisposed()
    return await stoppable('the sampling', sampling.signal, () =>
      outlivingLoss(this.#parts, () => writeText(this.#parts, sampling)),
    )
  }

  /**
   * The text of `sample` in pieces as they come; none ends within a character or within a stop text. Bad options are thrown at once.
   * @throws as `sample`
   */
  stream(options?: SamplingOptions): AsyncGenerator<string, void, undefined> {
    const sampling = samplingOptions(options)
    this.#refuseDisposed()
    const pieces = piecesOutlivingLoss(this.#parts, () => streamText(this.#parts, sampling))
    return stoppablePieces('the sampling', sampling.signal, pieces)
  }

  /**
   * Scores a text: each symbol once but the first, from all before it.
   * @throws ERR_CORPUS_TOO_SHORT for fewer than two symbols, ERR_UNKNOWN_SYMBOL, ERR_ABORTED, ERR_INVALID_OPTION, ERR_NON_FINITE as
   *   `sample`
   */
  async evaluate(options: EvaluateOptions): Promise<LossReport> {
    const plan = evaluateOptions(options)
    this.#refuseDisposed()
    const parts = this.#parts
    const { signal, context = usualContext(parts) } = plan
    const scored = async (ids: Uint32Array) => {
      const data = await parts.session.load(ids)
      try {
        return await evaluate(parts.session, evaluationPlan(parts, { data, symbols: ids.length }, signal, context))
      } finally {
        await parts.session.unload(data).catch(() => {})
      }
    }
    return await stoppable('the evaluation', signal, async () => {
      const rules = { ...parts.rules, field: 'text', normalize: undefined }
      const text = await inSlices(normalising(plan.text, rules), signal)
      const ids = await inSlices(parts.vocabulary.encoding(text, 'text'), signal)
      refuseUnscorable(ids.length)
      return await outlivingLoss(parts, () => parts.turns.share(() => scored(ids), signal))
    })
  }

  /**
   * Trains further. Without `optimizer` as if the training had never stopped: bit for bit, with moments, schedule and positions. With
   * `optimizer` those start anew.
   * @throws ERR_BUSY during another training; TrainingError ERR_ABORTED (whenever the signal is raised), ERR_NON_FINITE,
   *   ERR_INVALID_OPTION (a schedule that gives no rate), or of a GPU ERR_DEVICE_LOST, ERR_DEVICE_FAILED or ERR_MEMORY; whatever
   *   `onProgress` throws; ERR_MISSING_OPTION for a loaded model without `corpus`
   */
  async train(options: TrainOptions): Promise<void> {
    this.#refuseDisposed()
    const plan = trainOptions(options, this.#parts)
    await heedingLoss(this.#parts, () => trainExclusively(this.#parts, () => trainFurther(this, this.#parts, plan)))
  }

  /**
   * Copies of all parameters, under PyTorch's names and in its layout (`weight_ih_l0` …), at once. During a training it waits for the
   * engine's call that runs, some 50 ms: in `onProgress` none does.
   */
  parameters(): Record<string, Parameter> {
    this.#refuseDisposed()
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
    this.#refuseDisposed()
    const parts = this.#parts
    const write = async () => {
      const { metadata, tensors } = toFile(parts)
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

  #refuseDisposed(): void {
    if (this.#parts.disposed) throw disposedError()
  }
}
