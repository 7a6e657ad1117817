/** The character LSTM of the Keras tutorial on text generation: 40 characters of Nietzsche in, the next one out. */
import { trainCharModel } from 'rnnkit'
import { distinctShare } from '../lib/diversity.ts'
import type { Example, Result, Run } from '../lib/example.ts'
import { meanLosses } from '../lib/history.ts'
import { bars, beside, lines } from '../lib/picture.ts'
import { randomWindow, readText } from '../lib/texts.ts'

const WINDOW = 40
const TEMPERATURES = [0.2, 0.5, 1.0, 1.2]

export const example: Example = {
  what: 'Keras’s text generation: an LSTM reads 40 characters of Nietzsche and predicts the next one',
  figure: 'mean loss of the last 100 batches, in nats per character',
  shows: 'The loss over the batches, and how varied the text is at each temperature',
  text: { tutorial: 'nietzsche.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [size, steps] = quick ? [128, 1000] : [256, 1000]
  say(`${quick ? 'Quick: ' : ''}LSTM ${size}, ${steps} batches of 50 windows from ${text}`)
  using model = await trainCharModel({
    corpus: { files, lowercase: true, invalid: 'replace' },
    input: 'one-hot',
    layers: [{ kind: 'lstm', size }],
    init: 'keras',
    predict: 'last-step',
    batches: 'sampled',
    batchSize: 50,
    unrollLength: WINDOW,
    steps,
    optimizer: { kind: 'adam', learningRate: 1e-3 },
    clip: false,
    validation: 0,
    ...training,
  })
  const losses = meanLosses(model.history, 100)
  for (const [step, loss] of losses) say(`after ${step} batches: loss ${loss.toFixed(3)}`)

  const corpus = (await readText(files)).toLowerCase()
  const prefix = randomWindow(corpus, WINDOW, training.seed)
  say(`\nGenerating from: ${JSON.stringify(prefix)}`)
  const generate = (how: { temperature: number } | { greedy: true }) =>
    model.sample({ prefix, length: 400, context: 'window', seed: training.seed, ...how })
  say(`\n--- greedy: always the likeliest character\n${await generate({ greedy: true })}`)
  const diversity: Record<string, number> = {}
  for (const temperature of TEMPERATURES) {
    const generated = await generate({ temperature })
    diversity[temperature.toFixed(1)] = distinctShare(generated)
    say(`\n--- temperature ${temperature.toFixed(1)}\n${generated}`)
  }

  const shares = Object.values(diversity)
  return {
    figure: losses.at(-1)![1],
    claims: {
      'the share of distinct 4-grams rises with temperature': shares.every((s, i) => i === 0 || s > shares[i - 1]!),
    },
    picture: beside(
      lines({ title: 'Learning', x: 'batches', y: 'loss, nats per character' }, { loss: losses }),
      bars({ title: 'Diversity', x: 'temperature', y: 'share of distinct 4-grams' }, diversity),
    ),
  }
}
