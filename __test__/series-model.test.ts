/** Models of series: what they learn, predict and forecast, and what is refused. */
import test from 'ava'
import { RnnKitError, trainSeriesModel } from '../ts/index.ts'
import { rejectsWith } from './fixtures/tiny-char-model.ts'
import { TINY_ROWS } from './fixtures/tiny-sequences.ts'

const wave = (from: number, steps: number) =>
  Float64Array.from({ length: steps }, (_, i) => 5 + 3 * Math.sin((from + i) / 6))
const SINE = wave(0, 400)
const OPTIONS = { ...TINY_ROWS, series: SINE, lookback: 8, epochs: 25 } as const
const largest = (errors: Iterable<number>) => Math.max(...[...errors].map(Math.abs))

const FORMS: [string, object][] = [
  ['as time steps', { cell: 'lstm', hiddenSize: 10 }],
  ["as one step's features", { layout: 'features' }],
  ['by a network without recurrence', { ...DENSE(), layers: [{ kind: 'dense', size: 16, activation: 'tanh' }] }],
  ['several steps at once', { horizon: 4, scale: 'minMax' }],
]

/** Takes out what only recurrent layers have. */
function DENSE() {
  return { cell: undefined, hiddenSize: undefined }
}

for (const [name, form] of FORMS) {
  test(`a sine is learnt ${name}, far better than persistence, and forecast`, async (t) => {
    using model = await trainSeriesModel({ ...OPTIONS, ...form } as typeof OPTIONS)
    const report = await model.evaluate({ series: SINE, from: 360 })
    t.is(report.predictions, 40)
    t.true(report.rootMeanSquaredError < 0.4 * report.persistence.rootMeanSquaredError, JSON.stringify(report))
    const forecast = await model.forecast(12)
    t.like(forecast, { first: 400, shape: [12, 1] })
    const truth = wave(400, 12)
    t.true(largest(forecast.values.map((value, i) => value - truth[i]!)) < 1.5)
  })
}

test('predictions ahead, forecasts and scores say the same', async (t) => {
  using model = await trainSeriesModel({ ...OPTIONS, epochs: 5 })
  const at = 300
  for (const ahead of [1, 2, 5]) {
    const { values, first, shape } = await model.predict({ series: SINE, ahead })
    t.is(first, 8 + ahead - 1)
    t.deepEqual(shape, [400 - first, 1])
    // What a forecast from the steps before `at` says of its last step.
    const forecast = await model.forecast(ahead, { series: SINE.slice(0, at) })
    t.is(forecast.first, at)
    t.true(Math.abs(forecast.values.at(-1)! - values[at + ahead - 1 - first]!) < 1e-5)
    const report = await model.evaluate({ series: SINE, ahead })
    const squares = values.map((value, i) => (value - SINE[first + i]!) ** 2)
    const mean = squares.reduce((a, b) => a + b) / squares.length
    t.true(Math.abs(report.meanSquaredError / mean - 1) < 1e-5)
    const persisting = Array.from(squares, (_, i) => (SINE[first + i - ahead]! - SINE[first + i]!) ** 2)
    const persistence = persisting.reduce((a, b) => a + b) / squares.length
    t.true(Math.abs(report.persistence.meanSquaredError / persistence - 1) < 1e-9)
  }
})

test('one of several features is predicted, from all of them', async (t) => {
  // The target is the other feature of two steps before.
  const rows = Array.from({ length: 300 }, (_, i) => [Math.cos(i * i), i < 2 ? 0 : Math.cos((i - 2) ** 2), 7])
  using model = await trainSeriesModel({ ...OPTIONS, series: rows, lookback: 3, targets: [1], epochs: 40 })
  t.like(model.form, { features: 3, targets: [1], scale: 'auto' })
  const report = await model.evaluate({ series: rows, from: 270 })
  t.true(report.rootMeanSquaredError < 0.3, JSON.stringify(report))
  t.deepEqual((await model.predict({ series: rows })).shape, [297, 1])
  await rejectsWith(t, model.forecast(2), 'ERR_INVALID_OPTION', 'steps')
  await rejectsWith(t, model.evaluate({ series: rows, ahead: 2 }), 'ERR_INVALID_OPTION', 'ahead')
  t.is((await model.forecast(1)).values.length, 1)
})

test('a flat series with a number of features is the same as rows', async (t) => {
  const rows = Array.from({ length: 120 }, (_, i) => [Math.sin(i / 3), Math.cos(i / 3)])
  const options = { ...OPTIONS, lookback: 4, steps: 5, epochs: undefined } as const
  using asRows = await trainSeriesModel({ ...options, series: rows })
  using flat = await trainSeriesModel({ ...options, series: Float64Array.from(rows.flat()), features: 2 })
  t.deepEqual((await flat.forecast(3)).values, (await asRows.forecast(3)).values)
})

test('scaling is learnt from the training part alone', async (t) => {
  const ramp = Float64Array.from({ length: 100 }, (_, i) => (i < 50 ? i % 10 : 1e6))
  const options = {
    ...OPTIONS,
    series: ramp,
    lookback: 4,
    validation: 0.3,
    test: 0.2,
    steps: 2,
    epochs: undefined,
  } as const
  using model = await trainSeriesModel({ ...options, scale: 'minMax' })
  // Unscaled by what lies ahead, the model's predictions of the first steps stay near them.
  const { values } = await model.predict({ series: ramp.slice(0, 50) })
  t.true(largest(values) < 100)
})

test('a validation share is predicted from what lies before it, step by step', async (t) => {
  using model = await trainSeriesModel({ ...OPTIONS, epochs: 1, validation: 0.25, test: 0.25 })
  const { validation, test: last } = model.history.at(-1)!
  t.deepEqual([validation!.symbols, last!.symbols], [100, 100])
  t.is(model.position.step, Math.ceil((200 - 8) / 16))
})

test('further trainings keep the scaling, whatever series they are on', async (t) => {
  using model = await trainSeriesModel({ ...OPTIONS, epochs: 2 })
  const { steps } = { steps: model.position.step }
  await model.train({ epochs: 1 })
  t.is(model.position.step, steps + Math.ceil((360 - 8) / 16))
  await model.train({ epochs: 1, series: SINE.map((value) => value + 1) })
  t.is((await model.forecast(1)).first, 400)
})

/** [options, field, what the message says] */
const REFUSED: [object, string, RegExp][] = [
  [{ series: 'numbers' }, 'series', /an array of numbers, or of one array of numbers a step/],
  [
    { series: SINE.with(17, Number.NaN) },
    'series[17]',
    /is NaN: it must be a finite number \(step 17\): fill gaps before/,
  ],
  [{ series: [1, 2, null] }, 'series[2]', /is null/],
  [
    {
      series: [
        [1, 2],
        [1, Number.NaN],
      ],
    },
    'series[1][1]',
    /is NaN/,
  ],
  [{ series: [[1, 2], [1]] }, 'series[1].length', /is 1: it must be 2, as of step 0/],
  [{ series: [[1, 2], 3] }, 'series[1]', /an array of 2 numbers/],
  [{ series: [[1], [2]], features: 2 }, 'series[0].length', /is 1: it must be 2, the features/],
  [{ series: SINE.slice(1), features: 2 }, 'series.length', /is 399: it must be a multiple of 2/],
  [{ series: new Float64Array(400).fill(2) }, 'series (feature 0)', /is 2: .* there is nothing to predict/],
  [
    { series: SINE.slice(0, 9) },
    'series.length',
    /is 9: it must be at least 10 steps with lookback 8, horizon 1, validation 0\.1/,
  ],
  [{ series: [] }, 'series.length', /is 0: it must be at least 10 steps/],
  [{ lookback: 0 }, 'lookback', /from 1 to/],
  [{ lookback: undefined }, 'lookback', /is missing/],
  [{ targets: [0, 0] }, 'targets[1]', /larger than the one before it/],
  [{ targets: [1] }, 'targets[0]', /from 0 to 0/],
  [{ scale: 'log' }, 'scale', /one of 'auto', 'standard', 'minMax', 'none'/],
  [{ loss: 'crossEntropy' }, 'loss', /one of 'mse', 'rmse'/],
  [{ unrollLength: 5 }, 'unrollLength', /is not an option/],
  [{ batches: 'consecutive' }, 'batches', /one of 'shuffled', 'ordered', 'sampled'/],
  [
    { ...DENSE(), layers: [{ kind: 'dense', size: 2 }], layout: 'steps' },
    'layout',
    /'features' where no layer is recurrent/,
  ],
]

for (const [change, field, message] of REFUSED) {
  test(`${field} ${message}`, async (t) => {
    const training = trainSeriesModel({ ...OPTIONS, ...change } as never)
    const error = await t.throwsAsync(training, { instanceOf: RnnKitError, message })
    t.is(error?.field, field, error?.message)
  })
}

test('a constant feature that is not predicted is refused only by the scales that cannot have it', async (t) => {
  const series = Array.from({ length: 60 }, (_, i) => [Math.sin(i), 4])
  const options = { ...OPTIONS, series, targets: [0], steps: 1, epochs: undefined } as const
  for (const scale of ['auto', 'none'] as const) {
    using model = await trainSeriesModel({ ...options, scale })
    t.is(model.form.scale, scale)
  }
  for (const scale of ['standard', 'minMax'] as const) {
    const error = await rejectsWith(
      t,
      trainSeriesModel({ ...options, scale }),
      'ERR_INVALID_OPTION',
      'series (feature 1)',
    )
    t.regex(error.message, /take scale 'auto' or 'none'/)
  }
})

test('questions about too short a series, or steps that are not there, are refused', async (t) => {
  using model = await trainSeriesModel({ ...OPTIONS, steps: 1, epochs: undefined })
  const short = SINE.slice(0, 8)
  await rejectsWith(t, model.predict({ series: short }), 'ERR_INVALID_OPTION', 'series.length')
  await rejectsWith(t, model.predict({ series: SINE, ahead: 393 }), 'ERR_INVALID_OPTION', 'series.length')
  await rejectsWith(t, model.evaluate({ series: SINE, from: 7 }), 'ERR_INVALID_OPTION', 'from')
  await rejectsWith(t, model.evaluate({ series: SINE, from: 400 }), 'ERR_INVALID_OPTION', 'from')
  await rejectsWith(t, model.forecast(0), 'ERR_INVALID_OPTION', 'steps')
  await rejectsWith(t, model.forecast(1, { series: short.slice(1) }), 'ERR_INVALID_OPTION', 'series.length')
  t.is((await model.forecast(2, { series: short })).first, 8)
})
