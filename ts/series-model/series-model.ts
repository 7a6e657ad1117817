/** A model of series: it predicts, forecasts and scores, trains on, and goes into a file and out of it. */
import { stoppable } from '../aborted.ts'
import { ENGINE } from '../device/engine-door.ts'
import { type SeriesForm, type TrainSeriesOptionsOf, trainSeriesOptions } from '../options/series-model.ts'
import {
  type EvaluateSeriesOptions,
  evaluateSeriesOptions,
  type ForecastOptions,
  forecastOptions,
  type PredictSeriesOptions,
  predictSeriesOptions,
} from '../options/series-questions.ts'
import type { LoadOptions } from '../options/train-char-model.ts'
import { SEQUENCES } from '../sequence-model/training.ts'
import { heedingLoss, outlivingLoss } from '../training/device-loss.ts'
import { trainExclusively, trainFurther } from '../training/further.ts'
import { loadModel } from '../training/load-model.ts'
import { missingData } from '../training/model-parts.ts'
import { refuseDisposed, TrainedModel } from '../training/trained-model.ts'
import { forecastSteps, predictSteps, type SeriesPrediction, type SeriesReport, scoreSteps, tailOf } from './answers.ts'
import { SERIES_FILE, seriesToFile } from './checkpoint.ts'
import type { SeriesParts } from './parts.ts'
import { planSeries, sourceOfSeries, trainingSteps } from './plan-series.ts'

/** Options of a further training: as a model of text's. */
export type TrainSeriesOptions = TrainSeriesOptionsOf<SeriesModel>

/**
 * Made by `trainSeriesModel` or `SeriesModel.load`. As with a model of text, methods may be called at any time, during a training too, and
 * throw ERR_DISPOSED after `dispose`; what becomes of a call that finds the GPU lost is the same, too. All numbers that are given and
 * returned are in the series' own unit; the losses of a training and its history are of scaled ones.
 */
export class SeriesModel extends TrainedModel<SeriesParts> {
  readonly #parts: SeriesParts

  /** @internal */
  constructor(parts: SeriesParts) {
    super(parts, seriesToFile)
    this.#parts = parts
  }

  /**
   * Reads a model from a file that `save` wrote; with the end of its series, so that it can forecast at once.
   * @throws ERR_CHECKPOINT_… for anything else, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_…
   */
  static async load(path: string, options?: LoadOptions): Promise<SeriesModel> {
    const parts = await loadModel(path, options, SERIES_FILE, ENGINE)
    return new SeriesModel({ ...parts, series: undefined })
  }

  /** What the model reads and predicts. A copy. */
  get form(): SeriesForm {
    return structuredClone(this.#parts.form)
  }

  /**
   * Trains further, on the same series or another, which is scaled as the first was. Without `optimizer` as if the training had never
   * stopped, with it moments, schedule and positions start anew.
   * @throws as `trainSeriesModel`; ERR_BUSY during another training; ERR_MISSING_OPTION for a loaded model without `series`
   */
  async train(options: TrainSeriesOptions): Promise<void> {
    refuseDisposed(this.#parts)
    const parts = this.#parts
    const { form, scaling } = parts
    const plan = trainSeriesOptions(options, parts.recipe, form.features)
    const series = plan.series ?? parts.series
    if (series === undefined) throw missingData('series')
    trainingSteps(series, form, plan.recipe)
    const known = series === parts.series ? parts.resident?.source : undefined
    const planned = planSeries(known ?? sourceOfSeries(series, scaling, form), series.steps, form, plan.recipe)
    await heedingLoss(parts, () =>
      trainExclusively(parts, async () => {
        parts.series = series
        parts.tail = tailOf(series, parts)
        await trainFurther(this, parts, plan, SEQUENCES, async () => planned)
      }),
    )
  }

  /**
   * Predicts every step of a series that has enough steps before it: from those alone, or with `ahead` from what was known earlier.
   * @throws ERR_INVALID_OPTION, ERR_ABORTED
   */
  async predict(options: PredictSeriesOptions): Promise<SeriesPrediction> {
    const question = predictSeriesOptions(options, this.#parts.form)
    return await this.#asked('the prediction', question.signal, () => predictSteps(this.#parts, question))
  }

  /**
   * Scores the predictions of `predict`, beside those of persistence.
   * @throws ERR_INVALID_OPTION, ERR_ABORTED
   */
  async evaluate(options: EvaluateSeriesOptions): Promise<SeriesReport> {
    const question = evaluateSeriesOptions(options, this.#parts.form)
    return await this.#asked('the evaluation', question.signal, () => scoreSteps(this.#parts, question))
  }

  /**
   * The next steps, at most the horizon or feeding itself: of the given series, else of the one trained on last, from its very end, shares
   * that were kept from training included.
   * @throws ERR_INVALID_OPTION, also for more steps than the horizon where not all features are predicted; ERR_ABORTED
   */
  async forecast(steps: number, options?: ForecastOptions): Promise<SeriesPrediction> {
    const { count, series, signal } = forecastOptions(steps, options, this.#parts.form)
    const window = series === undefined ? this.#parts.tail : tailOf(series, this.#parts)
    const first = (series ?? this.#parts.series)?.steps ?? 0
    // A second try, on another device, begins with the same window.
    return await this.#asked('the forecast', signal, () =>
      forecastSteps(this.#parts, window.slice(), count, first, signal),
    )
  }

  async #asked<T>(what: string, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    const parts = this.#parts
    refuseDisposed(parts)
    return await stoppable(what, signal, () => outlivingLoss(parts, () => parts.turns.share(task, signal)))
  }
}
