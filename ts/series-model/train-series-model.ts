/** Trains a model of series from the beginning: options, scaling, windows, session, training. */
import { stoppable } from '../aborted.ts'
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import {
  type SeriesModelPlan,
  type TrainSeriesModelOptionsOf,
  trainSeriesModelOptions,
} from '../options/series-model.ts'
import { openSequenceModel, specOf } from '../sequence-model/train-sequence-model.ts'
import { SEQUENCES } from '../sequence-model/training.ts'
import { refuseLongWarmup, runPlanned, trainExclusively } from '../training/further.ts'
import { trainOrDispose } from '../training/new-model.ts'
import { tailOf } from './answers.ts'
import type { SeriesParts } from './parts.ts'
import { planSeries, sourceOfSeries, trainingSteps } from './plan-series.ts'
import { learnScaling } from './scaling.ts'
import { SeriesModel } from './series-model.ts'

/** `series`, `lookback` and one of `epochs` and `steps` are required. */
export type TrainSeriesModelOptions = TrainSeriesModelOptionsOf<SeriesModel>

/**
 * Trains a model that predicts a series' next steps from its last ones.
 *
 * @throws RnnKitError before any work for bad options and series (ERR_INVALID_OPTION for numbers that are not finite, a series that is too
 *   short or does not change; ERR_UNKNOWN_OPTION, ERR_MISSING_OPTION), size (ERR_MEMORY) and device (ERR_DEVICE_…), or ERR_ABORTED; later
 *   TrainingError with the model, as `trainCharModel`
 */
export async function trainSeriesModel(options: TrainSeriesModelOptions): Promise<SeriesModel> {
  return await trainPlanned(trainSeriesModelOptions(options))
}

/** The same, from checked options. */
export async function trainPlanned(plan: SeriesModelPlan, engine: EngineDoor = ENGINE): Promise<SeriesModel> {
  const { stack, form, series, recipe, run } = plan
  const spec = specOf(stack, undefined)
  const scaling = learnScaling(series, trainingSteps(series, form, recipe), form)
  const planned = planSeries(sourceOfSeries(series, scaling, form), series.steps, form, recipe)
  refuseLongWarmup(recipe, run, planned)
  const opened = await stoppable('the preparation of the training', run.signal, () =>
    openSequenceModel({ ...plan, spec }, planned, engine),
  )
  const parts: SeriesParts = Object.assign(opened, { form, scaling, series, tail: tailOf(series, { form, scaling }) })
  const model = new SeriesModel(parts)
  await trainExclusively(parts, () =>
    trainOrDispose(model, run, (told) => runPlanned(model, parts, planned, told, SEQUENCES)),
  )
  return model
}
