/** An MLP on a noisy sine, from the sequence chapter of Dive into Deep Learning: predicting one step, many steps, and on its own. */
import { type SeriesPrediction, trainSeriesModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { beside, lines } from '../lib/picture.ts'
import { randomNumbers } from '../lib/random.ts'

const [TIMES, TRAIN, TAU, NOISE] = [1000, 600, 4, 0.2]

export const example: Example = {
  what: 'd2l’s sequence model: an MLP on the last 4 values of a noisy sine, one step ahead, k steps ahead and feeding itself',
  figure: 'root mean squared error one step ahead on the 400 points after the first 600',
  shows:
    'The noisy sine with one-step predictions and with predictions fed back; and predictions 1, 4, 16 and 64 steps ahead',
  run,
}

async function run({ quick, training, say }: Run): Promise<Result> {
  say(`${quick ? 'Quick is the tutorial’s own setting here: ' : ''}sin(0.01 t) with noise ${NOISE}, ${TIMES} points`)
  const random = randomNumbers(training.seed)
  const x = Array.from({ length: TIMES }, (_, t) => Math.sin(0.01 * (t + 1)) + NOISE * random.normal())

  using model = await trainSeriesModel({
    series: x,
    lookback: TAU,
    layers: [{ kind: 'dense', size: 10, activation: 'relu' }],
    init: 'xavier',
    scale: 'none',
    validation: 1 - TRAIN / TIMES,
    batchSize: 16,
    epochs: 5,
    optimizer: { kind: 'adam', learningRate: 0.01 },
    clip: false,
    ...training,
  })
  for (const { epoch, loss } of model.history.filter(({ validation }) => validation))
    say(`epoch ${epoch}: loss ${loss.toFixed(4)}`)

  // One step ahead the model always sees four true values. Further ahead it sees its own predictions in place of those not known yet.
  say('\nsteps ahead   RMSE   of persistence')
  const errors: number[] = []
  const curves: Record<string, [number, number][]> = {}
  for (const ahead of [1, 4, 16, 64]) {
    const { rootMeanSquaredError, persistence } = await model.evaluate({ series: x, ahead, from: TRAIN })
    errors.push(rootMeanSquaredError)
    const shown = [rootMeanSquaredError, persistence.rootMeanSquaredError].map((error) => error.toFixed(3))
    say(`${String(ahead).padStart(11)}  ${shown.join('          ')}`)
    curves[`${ahead} ahead`] = points(await model.predict({ series: x, ahead }))
  }

  const fed = await model.forecast(TIMES - TRAIN, { series: x.slice(0, TRAIN) })
  const fedError = Math.hypot(...fed.values.map((value, i) => value - x[TRAIN + i]!)) / Math.sqrt(fed.values.length)
  say(`feeding itself from ${TRAIN} to the end: RMSE ${fedError.toFixed(3)}`)

  const data = x.map((value, t): [number, number] => [t, value])
  const near = { data, '1-step': curves['1 ahead']!, 'fed back': points(fed) }
  return {
    figure: errors[0]!,
    claims: {
      'one step ahead the error is at most a third above the noise': errors[0]! < (NOISE * 4) / 3,
      'the error grows from 1 over 4 and 16 to 64 steps ahead': errors.every((e, i) => i === 0 || e > errors[i - 1]!),
    },
    picture: beside(
      lines({ title: 'One step ahead, and feeding itself', x: 'time', y: 'x' }, near),
      lines({ title: 'k steps ahead', x: 'time', y: 'x' }, curves),
    ),
  }
}

/** [time, prediction] */
function points({ values, first }: SeriesPrediction): [number, number][] {
  return Array.from(values, (value, i) => [first + i, value])
}
