/** The options of a series model's `predict`, `evaluate` and `forecast`. */
import { integer, optional, record, refuse } from './check.ts'
import { orDefault } from './or-default.ts'
import { signalOption } from './sampling.ts'
import { type Series, type SeriesOptions, seriesOption } from './series.ts'
import { MOST_STEPS, type SeriesForm } from './series-model.ts'

export interface PredictSeriesOptions {
  /** At least `lookback` + 1 steps. */
  series: SeriesOptions
  /**
   * Steps ahead, at least 1: each step is predicted from what was known so many steps before, feeding the model its own predictions in
   * between. @default 1
   */
  ahead?: number
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface EvaluateSeriesOptions extends PredictSeriesOptions {
  /** The first step that is scored; those before are only looked back at. @default the first that can be predicted */
  from?: number
}

export interface ForecastOptions {
  /** What to go on from: at least `lookback` steps. @default the end of the series trained on last */
  series?: SeriesOptions
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface SeriesQuestion {
  readonly series: Series
  readonly ahead: number
  /** The first step of which something is said. */
  readonly from: number
  readonly signal: AbortSignal | undefined
}

export function predictSeriesOptions(value: unknown, form: SeriesForm): SeriesQuestion {
  return seriesQuestion(record('', value, ['series', 'ahead', 'signal']), form)
}

export function evaluateSeriesOptions(value: unknown, form: SeriesForm): SeriesQuestion {
  return seriesQuestion(record('', value, ['series', 'ahead', 'from', 'signal']), form)
}

function seriesQuestion(
  given: { readonly [K in 'series' | 'ahead' | 'from' | 'signal']?: unknown },
  form: SeriesForm,
): SeriesQuestion {
  const series = seriesOption('series', given.series, form.features)
  const ahead = integer('ahead', orDefault(given.ahead, 1), { min: 1, max: MOST_STEPS })
  if (ahead > form.horizon) refuseFeeding('ahead', ahead, form)
  const first = form.lookback + ahead - 1
  if (series.steps <= first) {
    refuse(
      'series.length',
      series.steps,
      `at least ${first + 1} steps, with lookback ${form.lookback} and ahead ${ahead}`,
    )
  }
  const from = integer('from', orDefault(given.from, first), { min: first, max: series.steps - 1 })
  return { series, ahead, from, signal: optional(given.signal, (v) => signalOption('signal', v)) }
}

export function forecastOptions(steps: unknown, value: unknown, form: SeriesForm) {
  const count = integer('steps', steps, { min: 1, max: MOST_STEPS })
  if (count > form.horizon) refuseFeeding('steps', count, form)
  const given = record('', orDefault(value, {}), ['series', 'signal'])
  const series = optional(given.series, (v) => seriesOption('series', v, form.features))
  if (series !== undefined && series.steps < form.lookback) {
    refuse('series.length', series.steps, `at least ${form.lookback} steps, the lookback`)
  }
  return { count, series, signal: optional(given.signal, (v) => signalOption('signal', v)) }
}

/** What is not predicted cannot be fed back. */
function refuseFeeding(field: string, steps: number, { targets, features, horizon }: SeriesForm): void {
  if (targets.length === features) return
  const wants = `at most ${horizon}, the horizon, where only ${targets.length} of ${features} features are predicted: the others are not known then`
  refuse(field, steps, wants)
}
