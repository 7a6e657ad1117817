/** Trains a character LSTM on a novel, says how well it predicts pages it never saw, and prints text that it writes. */
import { mkdir } from 'node:fs/promises'
import { parse } from 'node:path'
import { trainCharModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { lines } from '../lib/picture.ts'

const TEMPERATURES = [0.2, 0.5, 1.0, 1.2]

export const example: Example = {
  what: 'What `npm start` runs: a 2 x 128 LSTM on a novel, its perplexity on pages it never saw, and text that it writes',
  figure: 'validation perplexity',
  shows: 'Perplexity of the training text and of the validation text over the steps',
  text: {},
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [hiddenSize, steps] = quick ? [64, 600] : [128, 1500]
  say(`${quick ? 'Quick: ' : ''}LSTM 2 x ${hiddenSize}, ${steps} steps on ${text}`)
  using model = await trainCharModel({
    corpus: { files },
    cell: 'lstm',
    layers: 2,
    hiddenSize,
    batchSize: 50,
    unrollLength: 50,
    steps,
    optimizer: { kind: 'adam', learningRate: 2e-3 },
    clip: { norm: 5 },
    validation: 0.1,
    ...training,
    onProgress: (progress) => {
      training.onProgress(progress)
      if (progress.validation === undefined) return
      const { perplexity, bitsPerChar } = progress.validation
      say(`validation: perplexity ${perplexity.toFixed(2)}, ${bitsPerChar.toFixed(3)} bits per character`)
    },
  })

  for (const temperature of TEMPERATURES) {
    const prefix = text === 'Moby Dick' ? 'Call me ' : ''
    const written = await model.sample({ prefix, length: 300, temperature, seed: training.seed })
    say(`\n--- temperature ${temperature.toFixed(1)}\n${prefix}${written}`)
  }

  const name = text === 'Moby Dick' ? 'moby-dick' : parse(files[0]!).name
  const out = `models/${name}${quick ? '-quick' : ''}.safetensors`
  await mkdir('models', { recursive: true })
  await model.save(out)
  say(`\nSaved as ${out}: try  npx rnnkit sample ${out} --temperature 0.5`)

  const scored = model.history.filter((entry) => entry.validation !== undefined)
  const figure = scored.at(-1)?.validation?.perplexity ?? Number.NaN
  return {
    figure,
    claims: {},
    picture: lines(
      { title: `LSTM 2 x ${hiddenSize} on ${text}`, x: 'steps', y: { title: 'perplexity', scale: 'log' } },
      {
        training: model.history.map(({ step, perplexity }) => [step, perplexity] as const),
        validation: scored.map(({ step, validation }) => [step, validation!.perplexity] as const),
      },
    ),
  }
}
