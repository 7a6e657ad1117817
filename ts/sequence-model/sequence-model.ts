/** A model of sequences: it predicts and scores rows of symbols or numbers, trains on, and goes into a file and out of it. */
import { stoppable } from '../aborted.ts'
import { ENGINE } from '../device/engine-door.ts'
import { isClassifier } from '../model/spec.ts'
import { oneOf } from '../options/check.ts'
import { checkData, type GivenData } from '../options/sequence-data.ts'
import { type TrainSequenceOptionsOf, trainSequenceOptions } from '../options/sequence-model.ts'
import {
  type EvaluateSequenceOptions,
  evaluateSequenceOptions,
  type PredictSequenceOptions,
  parameterValues,
  predictSequenceOptions,
  type UnrollSequenceOptions,
  unrollSequenceOptions,
} from '../options/sequence-questions.ts'
import type { LoadOptions } from '../options/train-char-model.ts'
import { heedingLoss, keepSnapshot, outlivingLoss } from '../training/device-loss.ts'
import { trainExclusively } from '../training/further.ts'
import { loadModel } from '../training/load-model.ts'
import { refuseDisposed, TrainedModel } from '../training/trained-model.ts'
import type { GradientNorms } from '../views/gradient-norms.ts'
import type { Unrolled } from '../views/unroll.ts'
import { SEQUENCE_FILE, sequenceToFile } from './checkpoint.ts'
import { engineData } from './data.ts'
import { formOf, type ResidentExamples, type SequenceParts } from './parts.ts'
import { type Prediction, predictAll } from './predict.ts'
import { reportOn, type SequenceReport } from './score.ts'
import { trainSequenceFurther } from './training.ts'
import { rowGradientNorms, unrollRow } from './views.ts'

/** Options of a further training: as a model of text's. */
export type TrainSequenceOptions = TrainSequenceOptionsOf<SequenceModel>

/**
 * Made by `trainSequenceModel`, `createSequenceModel` or `SequenceModel.load`. As with a model of text, methods may be called at any time,
 * during a training too, and throw ERR_DISPOSED after `dispose`; what becomes of a call that finds the GPU lost is the same, too.
 */
export class SequenceModel extends TrainedModel<SequenceParts> {
  readonly #parts: SequenceParts

  /** @internal */
  constructor(parts: SequenceParts) {
    super(parts, sequenceToFile)
    this.#parts = parts
  }

  /**
   * Reads a model from a file that `save` wrote.
   * @throws ERR_CHECKPOINT_… for anything else, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_…
   */
  static async load(path: string, options?: LoadOptions): Promise<SequenceModel> {
    return new SequenceModel(await loadModel(path, options, SEQUENCE_FILE, ENGINE))
  }

  /**
   * Trains further. Without `optimizer` as if the training had never stopped, with it moments, schedule and positions start anew.
   * @throws as `trainSequenceModel`; ERR_BUSY during another training; ERR_MISSING_OPTION for a loaded model without `data`
   */
  async train(options: TrainSequenceOptions): Promise<void> {
    refuseDisposed(this.#parts)
    const plan = trainSequenceOptions(options, this.#parts)
    await heedingLoss(this.#parts, () =>
      trainExclusively(this.#parts, () => trainSequenceFurther(this, this.#parts, plan)),
    )
  }

  /**
   * Scores data, each row from zero.
   * @throws ERR_INVALID_OPTION, ERR_ABORTED, ERR_NON_FINITE for a model whose training has run off
   */
  async evaluate(options: EvaluateSequenceOptions): Promise<SequenceReport> {
    const { data, signal } = evaluateSequenceOptions(options)
    return await this.#onData('the evaluation', data, signal, (examples) =>
      reportOn(this.#parts.session, this.#parts.spec, data, examples, signal),
    )
  }

  /**
   * What the model says of rows, each from zero: of classes logits or probabilities, else numbers.
   * @throws ERR_INVALID_OPTION, ERR_ABORTED
   */
  async predict(options: PredictSequenceOptions): Promise<Prediction> {
    const { data, output, signal } = predictSequenceOptions(options, isClassifier(this.#parts.spec))
    return await this.#onData('the prediction', data, signal, (examples) =>
      predictAll(this.#parts.session, this.#parts.spec, examples, output, signal),
    )
  }

  /**
   * What goes on inside while the model reads one row from zero: hidden states, cell states and gates of every recurrent layer at every
   * time step, and what the model says, of classes as logits.
   * @throws ERR_INVALID_OPTION, ERR_MEMORY for a long row, ERR_ABORTED
   */
  async unroll(options: UnrollSequenceOptions): Promise<Unrolled> {
    const { data, signal } = unrollSequenceOptions(options)
    return await this.#viewed(signal, (parts) => unrollRow(parts, data, signal))
  }

  /**
   * How far gradients reach back: the norm of dL/dh at every time step of every recurrent layer, while the model reads one row from zero.
   * L is the loss that a training minimises; with `mask` of some steps alone, as of the last.
   * @throws as `unroll`
   */
  async gradientNorms(options: EvaluateSequenceOptions): Promise<GradientNorms> {
    const { data, signal } = evaluateSequenceOptions(options)
    return await this.#viewed(signal, (parts) => rowGradientNorms(parts, data, signal))
  }

  /**
   * Overwrites a parameter, as `parameters` names it; moments and position of a training stay.
   * @param values row-major, as many as the tensor has
   * @throws ERR_INVALID_OPTION for another name or number of values, or one that is not finite
   */
  async setParameter(name: string, values: Float32Array | readonly number[]): Promise<void> {
    const parts = this.#parts
    refuseDisposed(parts)
    const { layout } = parts.session
    const names = layout.map((tensor) => tensor.name)
    const { shape, offset } = layout[names.indexOf(oneOf('name', name, names))]!
    const size = shape.reduce((product, length) => product * length, 1)
    const checked = parameterValues('values', values, size)
    await heedingLoss(parts, () =>
      parts.turns.take(async () => {
        const all = await parts.session.readParameters()
        all.set(checked, offset)
        await parts.session.setParameters(all)
        await keepSnapshot(parts)
      }),
    )
  }

  /** Runs what looks inside, between the calls of a training. */
  async #viewed<T>(signal: AbortSignal | undefined, look: (parts: SequenceParts) => Promise<T>): Promise<T> {
    const parts = this.#parts
    refuseDisposed(parts)
    const shared = () => parts.turns.share(() => look(parts), signal)
    return await stoppable('the view', signal, () => outlivingLoss(parts, shared))
  }

  /** Hands data to the session for one call that reads the model. */
  async #onData<T>(
    what: string,
    given: GivenData,
    signal: AbortSignal | undefined,
    task: (examples: ResidentExamples) => Promise<T>,
  ): Promise<T> {
    const parts = this.#parts
    refuseDisposed(parts)
    const form = formOf(parts.spec, parts.spec.head.predict === 'lastStep')
    checkData(given, form)
    const { sequence, ...examples } = engineData(given, form)
    const loaded = async () => {
      const { session } = parts
      const data = await session.load(sequence)
      try {
        return await task({ ...examples, data })
      } finally {
        await session.unload(data).catch(() => {})
      }
    }
    return await stoppable(what, signal, () => outlivingLoss(parts, () => parts.turns.share(loaded, signal)))
  }
}
