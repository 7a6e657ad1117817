/** Cuts a series into shares by time, and every share into examples: a window of steps, and the steps after it. */
import type { Examples } from '../batches/examples.ts'
import { splitCorpus } from '../corpus/split.ts'
import { refuse } from '../options/check.ts'
import type { SequenceRecipe } from '../options/sequence-model.ts'
import type { Series } from '../options/series.ts'
import type { SeriesForm } from '../options/series-model.ts'
import type { EngineData, SequenceSource } from '../sequence-model/data.ts'
import { type PlannedRows, planShares } from '../sequence-model/plan-data.ts'
import { type Scaling, scaled } from './scaling.ts'
import { windowsAsFeatures } from './windows.ts'

/** Steps of the training part. @throws ERR_INVALID_OPTION for a series that is too short */
export function trainingSteps(series: Series, form: SeriesForm, recipe: SequenceRecipe): number {
  const { steps, field } = series
  if (!fits(steps, form, recipe)) {
    let least = steps + 1
    while (!fits(least, form, recipe)) least++
    const { validation, test } = recipe
    const asked = `lookback ${form.lookback}, horizon ${form.horizon}, validation ${validation.share} and test ${test.share}`
    refuse(`${field}.length`, steps, `at least ${least} steps with ${asked}`)
  }
  return splitOf(steps, recipe).train[1]
}

/** Whether every share that was asked for has an example. */
function fits(steps: number, { lookback, horizon }: SeriesForm, recipe: SequenceRecipe): boolean {
  const { train, validation, test } = splitOf(steps, recipe)
  const kept = [
    [recipe.validation.share, validation],
    [recipe.test.share, test],
  ] as const
  return train[1] >= lookback + horizon && kept.every(([share, [from, to]]) => share === 0 || to - from >= horizon)
}

function splitOf(steps: number, { validation, test }: SequenceRecipe) {
  return splitCorpus(steps, validation.share, test.share)
}

/** The series as the engine takes it, cut as the recipe says. */
export function planSeries(
  source: SequenceSource,
  steps: number,
  form: SeriesForm,
  recipe: SequenceRecipe,
): PlannedRows {
  const { train, validation, test } = splitOf(steps, recipe)
  const { time } = source.data
  const part = (from: number, to: number): Examples => ({
    time,
    starts: examplesBetween(from, to, form),
    lengths: undefined,
  })
  // What a share's first steps are predicted from lies before it.
  const kept = ([from, to]: readonly [number, number]) => (from < to ? part(from - form.lookback, to) : undefined)
  const shares = { training: part(0, train[1]), validation: kept(validation), test: kept(test) }
  return planShares(source, shares, recipe)
}

/** Starts of all windows between two steps whose predictions lie there too. */
function examplesBetween(from: number, to: number, { lookback, horizon }: SeriesForm): Uint32Array {
  return Uint32Array.from({ length: to - from - lookback - horizon + 1 }, (_, i) => from + i)
}

/** Checked and scaled; handed over once, whatever windows are cut from it. */
export function sourceOfSeries(series: Series, scaling: Scaling, form: SeriesForm): SequenceSource {
  const values = scaled(series, scaling)
  const data = form.layout === 'steps' ? stepsData(values, form) : featuresData(values, form)
  return { field: series.field, stream: false, data, others: undefined }
}

/** A window starts at any step; its targets stand at its last. */
function stepsData(values: Float32Array, form: SeriesForm): EngineData {
  const { lookback, features } = form
  const targets = targetsAfter(values, values.length / features, 0, form)
  const sequence = { inputs: { numbers: values, width: features }, targets }
  return { sequence, time: lookback, starts: new Uint32Array(), lengths: undefined }
}

/** A window is one position. */
function featuresData(values: Float32Array, form: SeriesForm): EngineData {
  const { lookback, features } = form
  const count = values.length / features - lookback + 1
  const inputs = { numbers: windowsAsFeatures(values, count, form), width: lookback * features }
  const targets = targetsAfter(values, count, lookback - 1, form)
  return { sequence: { inputs, targets }, time: 1, starts: new Uint32Array(), lengths: undefined }
}

/** [positions, horizon, targets]: what comes after step `position + last`; 0 where the series has ended, of which nobody asks. */
function targetsAfter(
  values: Float32Array,
  positions: number,
  last: number,
  { horizon, targets, features }: SeriesForm,
) {
  const width = horizon * targets.length
  const numbers = new Float32Array(positions * width)
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < width; i++) {
      const step = position + last + 1 + Math.floor(i / targets.length)
      numbers[position * width + i] = values[step * features + targets[i % targets.length]!] ?? 0
    }
  }
  return { numbers, width }
}
