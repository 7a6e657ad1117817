/** A trained model of text: it writes, scores, trains on, and goes into a file and out of it. */
import { stoppable, stoppablePieces } from '../aborted.ts'
import type { Unit } from '../corpus/segment.ts'
import type { LossReport } from '../metrics.ts'
import { textSequence } from '../native/engine-session.ts'
import { text as textOption } from '../options/check.ts'
import { type SamplingOptions, samplingOptions } from '../options/sampling.ts'
import {
  type EvaluateOptions,
  evaluateOptions,
  type LoadOptions,
  type TrainOptionsOf,
  trainOptions,
} from '../options/train-char-model.ts'
import {
  type CheckGradientsOptions,
  checkGradientsOptions,
  type GradientNormsOptions,
  gradientNormsOptions,
  type UnrollOptions,
  unrollOptions,
} from '../options/views.ts'
import { heedingLoss, outlivingLoss, piecesOutlivingLoss } from '../training/device-loss.ts'
import { evaluate } from '../training/evaluation.ts'
import { trainExclusively } from '../training/further.ts'
import { scorableIds } from '../training/scorable-ids.ts'
import { refuseDisposed, TrainedModel } from '../training/trained-model.ts'
import type { GradientCheck } from '../views/gradient-check.ts'
import { charToFile } from './checkpoint.ts'
import { loadCharModel } from './load.ts'
import { type CharParts, contextOf } from './parts.ts'
import { evaluationPlan, trainCharFurther } from './training.ts'
import {
  checkTextGradients,
  type TextGradientNorms,
  textGradientNorms,
  type UnrolledText,
  unrollText,
} from './views.ts'
import { streamText, writeText } from './writing.ts'

/**
 * Options of a further training. Without `optimizer` it goes on as if it had never stopped; what is left out stays as it was. With
 * one, moments, schedule, step count and positions start anew, and the options left out stay as they were (but `schedule`, which is
 * then constant by default).
 */
export type TrainOptions = TrainOptionsOf<CharModel>

/**
 * Made by `trainCharModel` or `CharModel.load`. All methods but the getters throw ERR_DISPOSED after `dispose`. Methods may be called
 * at any time, during a training too: between its calls of the engine, and together with one another. Each sees the model as the last
 * finished steps left it (`stream` for each piece, all others from beginning to end).
 *
 * A call that finds the GPU lost throws ERR_DEVICE_LOST; the model is on the CPU from then on, as it was at the last snapshot (about
 * every 30 s of a training, and at its end), and may be called again.
 */
export class CharModel extends TrainedModel<CharParts> {
  readonly #parts: CharParts

  /** @internal */
  constructor(parts: CharParts) {
    super(parts, charToFile)
    this.#parts = parts
  }

  /**
   * Reads a model from a file that `save` wrote.
   * @throws ERR_CHECKPOINT_… for anything else, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_…
   */
  static async load(path: string, options?: LoadOptions): Promise<CharModel> {
    return new CharModel(await loadCharModel(path, options))
  }

  /** The symbols that the model knows, in the order of their ids. */
  get vocabulary(): readonly string[] {
    return this.#parts.vocabulary.symbols
  }

  /** What one symbol is. */
  get unit(): Unit {
    return this.#parts.vocabulary.unit
  }

  /**
   * New text after a prefix (the new text only).
   * @throws ERR_UNKNOWN_SYMBOL for a prefix with symbols the model does not know, ERR_ABORTED, ERR_INVALID_OPTION,
   *   ERR_NON_FINITE for a model whose training has run off
   */
  async sample(options?: SamplingOptions): Promise<string> {
    const sampling = samplingOptions(options)
    refuseDisposed(this.#parts)
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
    refuseDisposed(this.#parts)
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
    refuseDisposed(this.#parts)
    const parts = this.#parts
    const { signal } = plan
    const context = contextOf(parts, 'context', plan.context)
    const scored = async (ids: Uint32Array) => {
      const data = await parts.session.load(textSequence(ids))
      try {
        return await evaluate(parts.session, evaluationPlan(parts, { data, symbols: ids.length }, signal, context))
      } finally {
        await parts.session.unload(data).catch(() => {})
      }
    }
    return await stoppable('the evaluation', signal, async () => {
      const ids = await scorableIds(parts, plan.text, signal)
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
    refuseDisposed(this.#parts)
    const plan = trainOptions(options, this.#parts)
    await heedingLoss(this.#parts, () => trainExclusively(this.#parts, () => trainCharFurther(this, this.#parts, plan)))
  }

  /**
   * What goes on inside while the model reads a text from zero carry: states and gates of every recurrent layer at every time step, and the
   * probabilities of what comes next.
   * @throws ERR_CORPUS_TOO_SHORT for no symbols, ERR_UNKNOWN_SYMBOL, ERR_MEMORY for a long text, ERR_ABORTED, ERR_INVALID_OPTION
   */
  async unroll(text: string, options?: UnrollOptions): Promise<UnrolledText> {
    const { signal } = unrollOptions(options)
    return await this.#viewed(signal, (parts) => unrollText(parts, textOption('text', text), signal))
  }

  /**
   * How far gradients reach back: the norm of dL/dh at every time step of every recurrent layer, while the model reads a text from zero
   * carry. By default L is the loss of the text's last symbol.
   * @throws as `unroll`, and ERR_CORPUS_TOO_SHORT for fewer than two symbols
   */
  async gradientNorms(text: string, options?: GradientNormsOptions): Promise<TextGradientNorms> {
    const plan = gradientNormsOptions(options)
    return await this.#viewed(plan.signal, (parts) => textGradientNorms(parts, textOption('text', text), plan))
  }

  /**
   * Compares the model's gradients with central differences of the loss in f64, for some drawn parameters of each tensor. Takes two passes
   * of the slow oracle for each. The model stays as it is.
   * @throws as `gradientNorms`, and ERR_NON_FINITE for a model whose training has run off
   */
  async checkGradients(options?: CheckGradientsOptions): Promise<GradientCheck> {
    const plan = checkGradientsOptions(options)
    return await this.#viewed(plan.signal, (parts) => checkTextGradients(parts, plan))
  }

  /** Runs what looks inside, between the calls of a training. */
  async #viewed<T>(signal: AbortSignal | undefined, look: (parts: CharParts) => Promise<T>): Promise<T> {
    const parts = this.#parts
    refuseDisposed(parts)
    const shared = () => parts.turns.share(() => look(parts), signal)
    return await stoppable('the view', signal, () => outlivingLoss(parts, shared))
  }
}
