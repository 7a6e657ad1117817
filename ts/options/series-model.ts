/** The options of `trainSeriesModel` and of a series model's methods. */
import { MAX_SIZE } from '../limits.ts'
import type { ModelSpec } from '../model/spec.ts'
import { integer, isList, oneOf, optional, record, refuse } from './check.ts'
import { DEVICE_KEYS, type Device, type DeviceOptions, deviceOptions } from './device.ts'
import { type ModelOptions, STACK_KEYS, stackOptions } from './model.ts'
import { orDefault } from './or-default.ts'
import {
  SEQUENCE_RUN_KEYS,
  type SequenceRecipe,
  type SequenceRunOptions,
  type SequenceStack,
} from './sequence-model.ts'
import { type Series, type SeriesOptions, seriesOption } from './series.ts'
import {
  DEFAULT_VALIDATION,
  type DurationOptions,
  furtherRecipe,
  RECIPE_KEYS,
  type RecipeGiven,
  type RecipeOptions,
  type RunPlan,
  recipeWith,
  runOptions,
} from './training.ts'

/** What a series model reads and predicts. */
export interface SeriesFormOptions {
  /** Steps that a prediction is made from, at least 1. */
  lookback: number
  /** Steps that are predicted at once, at least 1. @default 1 */
  horizon?: number
  /** Numbers a step; of a flat series. @default 1, or as many as the arrays of a series of arrays have */
  features?: number
  /** Features that are predicted, by their place from 0. @default all */
  targets?: readonly number[]
  /**
   * How a window of `lookback` steps enters the model: 'steps', one after the other, as time steps; 'features', all at once, as one step of
   * lookback x features numbers, the oldest first. @default 'steps', and 'features' where no layer is recurrent
   */
  layout?: SeriesLayout
  /**
   * What is done to each feature before the model sees it, and undone after, learnt from the training part: 'standard', mean 0 and standard
   * deviation 1; 'minMax', 0 to 1; 'auto', as 'standard', but a constant feature that is not predicted becomes 0. @default 'auto'
   */
  scale?: SeriesScale
}

export type SeriesLayout = 'steps' | 'features'
export type SeriesScale = 'auto' | 'standard' | 'minMax' | 'none'

type SeriesStackOptions = Omit<ModelOptions, 'input' | 'predict' | 'loss' | 'bidirectional'> & {
  /** Every layer reads the window from its end, too; not beside a list of layers. @default false */
  bidirectional?: boolean
  /** What training minimises, of scaled numbers: their mean squared error, or its root. @default 'mse' */
  loss?: 'mse' | 'rmse'
}

/** As a model of text has them; windows are drawn from all places of the series. */
export type SeriesRecipeOptions = Omit<
  RecipeOptions,
  'batches' | 'unrollLength' | 'batchSize' | 'validation' | 'test'
> & {
  /** Order of the windows: each once an epoch, or drawn with replacement ('sampled'). @default 'shuffled' */
  batches?: 'shuffled' | 'ordered' | 'sampled'
  /** Windows of a batch, at most. @default 50 */
  batchSize?: number
  /** Last share of the series, whose steps are not trained on; by default scored each epoch and at the end. @default 0.1 */
  validation?: RecipeOptions['validation']
  /** Share of the series behind the validation's, not trained on; scored at the end, unless `every` says more. @default 0 */
  test?: RecipeOptions['test']
}

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainSeriesModelOptionsOf<Model> = SeriesStackOptions &
  SeriesFormOptions &
  SeriesRecipeOptions &
  SequenceRunOptions<Model> &
  DeviceOptions &
  DurationOptions & { series: SeriesOptions }

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainSeriesOptionsOf<Model> = SeriesRecipeOptions &
  SequenceRunOptions<Model> &
  DurationOptions & {
    /** Needed after `load`; scaled as the first was. @default the series trained on last */
    series?: SeriesOptions
  }

/** What a series model reads and predicts, complete. */
export interface SeriesForm {
  readonly lookback: number
  readonly horizon: number
  readonly features: number
  /** In ascending order. */
  readonly targets: readonly number[]
  readonly layout: SeriesLayout
  readonly scale: SeriesScale
}

export interface SeriesModelPlan {
  readonly stack: SequenceStack
  readonly form: SeriesForm
  readonly series: Series
  readonly recipe: SequenceRecipe
  readonly run: RunPlan
  readonly device: Device
}

export const FORM_KEYS = ['lookback', 'horizon', 'features', 'targets', 'layout', 'scale'] as const
const SERIES_STACK_KEYS = STACK_KEYS.filter((key) => key !== 'input' && key !== 'predict')
const SERIES_RECIPE_KEYS = RECIPE_KEYS.filter((key) => key !== 'unrollLength')
/** Steps of a window, or of a prediction. */
export const MOST_STEPS = 2 ** 20

export function trainSeriesModelOptions(value: unknown): SeriesModelPlan {
  const keys = [...SERIES_STACK_KEYS, ...FORM_KEYS, ...SERIES_RECIPE_KEYS, ...SEQUENCE_RUN_KEYS, ...DEVICE_KEYS]
  const given = record('', value, ['series', 'loss', ...keys])
  const recipe = seriesRecipe(given)
  const layers = stackOptions({ ...given, predict: 'last-step' })
  const features = optional(given.features, (v) => integer('features', v, { min: 1, max: MAX_SIZE }))
  const series = seriesOption('series', given.series, features)
  const recurrent = layers.layers.some((layer) => layer.kind === 'recurrent')
  const form = seriesForm(given, series.features, recurrent)
  const stack: SequenceStack = {
    ...layers,
    projection: 'linear',
    loss: lossOption(given.loss),
    vocabulary: undefined,
    features: form.layout === 'steps' ? form.features : form.lookback * form.features,
    outputs: form.horizon * form.targets.length,
  }
  return { stack, form, series, recipe, run: runOptions(given, recipe.seed), device: deviceOptions(given) }
}

/** Also as a file keeps it. @param recurrent whether some layer is */
export function seriesForm(
  given: { readonly [K in (typeof FORM_KEYS)[number]]?: unknown },
  features: number,
  recurrent: boolean,
): SeriesForm {
  const lookback = integer('lookback', given.lookback, { min: 1, max: MOST_STEPS })
  const usual = recurrent ? 'steps' : 'features'
  const layout = oneOf('layout', orDefault(given.layout, usual), ['steps', 'features'])
  if (layout === 'steps' && !recurrent && lookback > 1) {
    refuse('layout', layout, "'features' where no layer is recurrent: step by step it would see the last step alone")
  }
  if (layout === 'features' && lookback * features > MAX_SIZE) {
    refuse('lookback', lookback, `at most ${Math.floor(MAX_SIZE / features)} with layout 'features'`)
  }
  return {
    lookback,
    horizon: integer('horizon', orDefault(given.horizon, 1), { min: 1, max: MAX_SIZE }),
    features,
    targets: targetsOption('targets', given.targets, features),
    layout,
    scale: oneOf('scale', orDefault(given.scale, 'auto'), ['auto', 'standard', 'minMax', 'none']),
  }
}

function targetsOption(field: string, value: unknown, features: number): number[] {
  if (value === undefined) return Array.from({ length: features }, (_, i) => i)
  if (!isList(value) || value.length === 0) return refuse(field, value, 'a list of at least one feature')
  const targets = Array.from(value, (v, i) => integer(`${field}[${i}]`, v, { min: 0, max: features - 1 }))
  const wrong = targets.findIndex((target, i) => i > 0 && target <= targets[i - 1]!)
  return wrong < 0 ? targets : refuse(`${field}[${wrong}]`, targets[wrong], 'larger than the one before it')
}

function lossOption(value: unknown): ModelSpec['loss'] {
  const loss = oneOf('loss', orDefault(value, 'mse'), ['mse', 'rmse'])
  return { kind: loss === 'mse' ? 'meanSquaredError' : 'rootMeanSquaredError' }
}

/** @param given those among `RECIPE_KEYS` are read */
export function seriesRecipe(given: RecipeGiven): SequenceRecipe {
  const batches = optional(given.batches, (v) => oneOf('batches', v, ['shuffled', 'ordered', 'sampled']))
  const usual = { order: 'shuffled', unrollLength: undefined, validation: DEFAULT_VALIDATION } as const
  return recipeWith({ ...given, batches }, usual)
}

/** @param kept of the training before */
export function trainSeriesOptions(value: unknown, kept: SequenceRecipe, features: number) {
  const given = record('', value, ['series', ...SERIES_RECIPE_KEYS, ...SEQUENCE_RUN_KEYS])
  const further = furtherRecipe(given, kept, seriesRecipe)
  return {
    ...further,
    series: optional(given.series, (v) => seriesOption('series', v, features)),
    run: runOptions(given, further.recipe.seed),
  }
}
