/** TensorFlow's two-layer LSTM that predicts a sine from its last ten values, and what it is worth beside the last value itself. */
import { trainSeriesModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { meanLosses } from '../lib/history.ts'
import { beside, lines } from '../lib/picture.ts'
import { curve, sine } from './sine.ts'

const [HIDDEN_SIZE, NUM_LAYERS, TIMESTEPS, BATCH_SIZE] = [30, 2, 10, 32]
const [TRAINING_EXAMPLES, TESTING_EXAMPLES] = [10_000, 1000]
const LAYOUTS = { steps: 'ten values as ten time steps', features: 'ten values as one step’s ten features' } as const

export const example: Example = {
  what: 'TensorFlow’s LSTM on a sine, its ten values as time steps and as features, beside persistence, at a fine and a coarse gap',
  figure: 'RMSE of the test examples at gap 0.01, ten values as one step’s features',
  shows: 'Predictions over the true sine at gap 0.01 and at gap 0.1, and the training losses',
  run,
}

async function run({ quick, training, say }: Run): Promise<Result> {
  const steps = quick ? 5000 : 10_000
  say(`${quick ? 'Quick: ' : ''}${NUM_LAYERS} x LSTM ${HIDDEN_SIZE}, ${steps} steps of ${BATCH_SIZE} examples`)
  const losses: Record<string, [number, number][]> = {}

  async function regress(gap: number, layout: 'steps' | 'features') {
    using model = await trainSeriesModel({
      series: sine(0, TRAINING_EXAMPLES + TIMESTEPS, gap),
      lookback: TIMESTEPS,
      layout,
      scale: 'none',
      cell: { kind: 'lstm', forgetBias: 1 },
      layers: NUM_LAYERS,
      hiddenSize: HIDDEN_SIZE,
      init: 'xavier',
      batchSize: BATCH_SIZE,
      steps,
      optimizer: { kind: 'adagrad', flavour: 'tf1', learningRate: 0.1, initialAccumulator: 0.1 },
      clip: false,
      validation: 0,
      ...training,
    })
    losses[`${layout}, gap ${gap}`] = meanLosses(model.history, 100)
    const thousands = meanLosses(model.history, 1000).map(([step, loss]) => `${step}: ${loss.toExponential(1)}`)
    say(`\nGap ${gap}, ${LAYOUTS[layout]}: loss after ${thousands.join(', ')}`)
    const series = sine(TRAINING_EXAMPLES + TIMESTEPS, TIMESTEPS + TESTING_EXAMPLES, gap)
    const { rootMeanSquaredError: rmse, persistence } = await model.evaluate({ series })
    say(`RMSE ${rmse.toFixed(5)}, of persistence ${persistence.rootMeanSquaredError.toFixed(5)}`)
    const { values } = await model.predict({ series })
    return { rmse, wins: rmse < persistence.rootMeanSquaredError, curve: curve(values, gap) }
  }

  /** Both forms at one gap. */
  async function compare(gap: number) {
    const [steps, features] = [await regress(gap, 'steps'), await regress(gap, 'features')]
    const first = TRAINING_EXAMPLES + 2 * TIMESTEPS
    const [truth, persistence] = [first, first - 1].map((from) => curve(sine(from, TESTING_EXAMPLES, gap), gap))
    const curves = { truth: truth!, persistence: persistence!, steps: steps.curve, features: features.curve }
    return { steps, features, picture: lines({ title: `Gap ${gap}`, x: 'test example', y: 'sine' }, curves) }
  }
  const [fine, coarse] = [await compare(0.01), await compare(0.1)]
  return {
    figure: fine.features.rmse,
    claims: { 'at gap 0.1 the network beats persistence in both forms': coarse.steps.wins && coarse.features.wins },
    picture: beside(
      fine.picture,
      coarse.picture,
      lines({ title: 'Training', x: 'steps', y: { title: 'loss', scale: 'log' } }, losses),
    ),
  }
}
