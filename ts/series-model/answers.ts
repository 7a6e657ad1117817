/** Predictions, forecasts and scores of a series, in the series' own unit. */

import type { Series } from '../options/series.ts'
import type { SeriesQuestion } from '../options/series-questions.ts'
import type { SeriesParts } from './parts.ts'
import { scaled, unscaled } from './scaling.ts'
import { predictAhead, windowsAsFeatures } from './windows.ts'

/** Predicted steps of a series. */
export interface SeriesPrediction {
  /** [steps, targets], row-major, in the series' own unit. */
  values: Float32Array
  shape: [steps: number, targets: number]
  /** The step of the series that the first row predicts; each later row the next step. */
  first: number
}

/** Errors in the series' own unit. */
export interface SeriesErrors {
  meanSquaredError: number
  rootMeanSquaredError: number
}

export interface SeriesReport extends SeriesErrors {
  /** Steps that were predicted. */
  predictions: number
  /** The same of the prediction that every step is as the last one known: what a model must beat. */
  persistence: SeriesErrors
}

/** Predicts steps `from` … to the end, each from what was known `ahead` steps before. */
export async function predictSteps(
  parts: SeriesParts,
  { series, ahead, from, signal }: SeriesQuestion,
): Promise<SeriesPrediction> {
  const { form, scaling } = parts
  const { lookback, targets, features } = form
  const count = series.steps - from
  const firstWindow = from - ahead - lookback + 1
  const values = scaled(series, scaling).subarray(firstWindow * features)
  const found = new Float32Array(count * targets.length)
  await predictAhead(parts, windowsAsFeatures(values, count, form), ahead, signal, (step, predicted) => {
    if (step === ahead) found.set(inOwnUnit(parts, predicted))
  })
  return { values: found, shape: [count, targets.length], first: from }
}

/** The next steps after a window. @param window [lookback, E], scaled; overwritten */
export async function forecastSteps(
  parts: SeriesParts,
  window: Float32Array,
  count: number,
  first: number,
  signal: AbortSignal | undefined,
): Promise<SeriesPrediction> {
  const { targets } = parts.form
  const found = new Float32Array(count * targets.length)
  await predictAhead(parts, window, count, signal, (step, predicted) => {
    found.set(inOwnUnit(parts, predicted), (step - 1) * targets.length)
  })
  return { values: found, shape: [count, targets.length], first }
}

/** @param values [rows, targets], scaled */
function inOwnUnit({ form: { targets }, scaling }: SeriesParts, values: Float32Array): Float32Array {
  return values.map((value, i) => unscaled(scaling, targets[i % targets.length]!, value))
}

/** The last `lookback` steps, scaled. */
export function tailOf(series: Series, { form, scaling }: Pick<SeriesParts, 'form' | 'scaling'>): Float32Array {
  return scaled(series, scaling).slice((series.steps - form.lookback) * form.features)
}

export async function scoreSteps(parts: SeriesParts, question: SeriesQuestion): Promise<SeriesReport> {
  const { series, ahead, from } = question
  const { targets } = parts.form
  const { values } = await predictSteps(parts, question)
  const truth = (step: number, i: number) => series.values[step * series.features + targets[i]!]!
  const errors = (predicted: (step: number, i: number) => number): SeriesErrors => {
    let sum = 0
    for (let step = from; step < series.steps; step++) {
      for (let i = 0; i < targets.length; i++) sum += (predicted(step, i) - truth(step, i)) ** 2
    }
    const meanSquaredError = sum / values.length
    return { meanSquaredError, rootMeanSquaredError: Math.sqrt(meanSquaredError) }
  }
  return {
    ...errors((step, i) => values[(step - from) * targets.length + i]!),
    predictions: series.steps - from,
    persistence: errors((step, i) => truth(step - ahead, i)),
  }
}
