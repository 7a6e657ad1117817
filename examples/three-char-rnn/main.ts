/** fast.ai's first RNNs: 3 characters to the 4th, 8 to the 9th, and a prediction after each, with ReLU and identity recurrence. */
import { trainCharModel, trainNgramModel, trainSequenceModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { lines } from '../lib/picture.ts'
import { readText } from '../lib/texts.ts'
import { afterReading, rowsOf } from './every-step.ts'
import { FULL, NEXT, QUICK } from './settings.ts'

export const example: Example = {
  what: 'fast.ai’s first RNNs: 3 characters to the 4th, 8 to the 9th, a prediction after each; beside n-grams',
  figure: 'held-out loss of the ReLU RNN with 8 characters, in nats per character',
  shows:
    'Held-out loss by how many characters were read: n-grams, hand-built RNN, ReLU RNN, and a prediction after each',
  text: { tutorial: 'nietzsche.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const { nHidden, batchSize, epochs, learningRate, maxSymbols, near } = quick ? QUICK : FULL
  say(
    `${quick ? 'Quick, 300,000 characters: ' : ''}embedding 42, hidden ${nHidden}; losses on the last tenth of ${text}`,
  )
  const losses: Record<string, [read: number, loss: number][]> = {}
  const keep = (name: string, read: number, loss: number) => {
    losses[name] = [...(losses[name] ?? []), [read, loss]]
    say(`${name}, ${read} characters read: ${loss.toFixed(3)}`)
  }

  const corpus = { files, invalid: 'replace', maxSymbols } as const
  for (const order of [2, 3, 4, 5]) {
    keep('n-gram', order - 1, (await trainNgramModel({ corpus, order })).validation!.loss)
  }

  const optimizer = { kind: 'adam', learningRate } as const
  const fit = { init: 'identity', batchSize, optimizer, schedule: 'cosine', clip: false, ...training } as const
  const input = { embedding: 42 }
  const cell = { kind: 'rnn', activation: 'relu', size: nHidden } as const
  const handBuilt = { ...cell, form: 'separate' } as const
  for (const [name, layer] of Object.entries({ 'hand-built RNN': handBuilt, 'ReLU RNN': cell })) {
    for (const cs of [3, 8] as const) {
      const batches = { order: 'shuffled', offset: 'random' } as const
      const windows = { predict: 'last-step', unrollLength: cs, batches, epochs: epochs[cs] } as const
      using model = await trainCharModel({ corpus, input, layers: [layer], ...windows, ...fit })
      keep(name, cs, model.history.at(-1)!.validation!.loss)
      for (const prefix of NEXT[cs]) say(`  ${prefix} -> ${await model.sample({ prefix, length: 1, greedy: true })}`)
    }
  }

  const { data, heldOut, vocabulary } = rowsOf((await readText(files)).slice(0, maxSymbols), 8)
  const each = { data, vocabulary, loss: 'crossEntropy', epochs: epochs[3] } as const
  using model = await trainSequenceModel({ input, layers: [cell], ...each, ...fit })
  for (const read of [1, 2, 3, 4, 5, 6, 7, 8]) {
    keep('after each', read, (await model.evaluate({ data: afterReading(heldOut, read) })).loss)
  }

  const loss = (name: string, read: number) => losses[name]!.find((point) => point[0] === read)![1]
  const rnns = Object.keys(losses).slice(1)
  return {
    figure: loss('ReLU RNN', 8),
    claims: {
      '8 characters beat 3': rnns.every((name) => loss(name, 8) < loss(name, 3)),
      [`3 characters come within ${near} nats of the 4-gram`]: loss('ReLU RNN', 3) < loss('n-gram', 3) + near,
      'all beat the bigram': rnns.every((name) => Math.max(loss(name, 3), loss(name, 8)) < loss('n-gram', 1)),
    },
    picture: lines({ title: `The last tenth of ${text}`, x: 'characters read', y: 'nats per character' }, losses),
  }
}
