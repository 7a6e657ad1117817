/** fast.ai's stateful LSTM on Nietzsche: embedding, batch normalisation, LSTM, carry kept; then two layers with every kind of dropout. */
import { trainCharModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { beside } from '../lib/picture.ts'
import { drawHeldOut, lossesOf, lossTable } from './curves.ts'

export const example: Example = {
  what: 'fast.ai’s stateful LSTM with batch normalisation, its carry kept or reset; then two layers with dropout in four places',
  figure: 'held-out loss of the LSTM whose carry is kept, in nats per character',
  shows: 'Held-out loss over the epochs: carry kept and carry reset; and on a small text, with dropout and without',
  text: { tutorial: 'nietzsche.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [size, maxSymbols, epochs, further, rate] = quick ? [128, 150_000, 5, 2, 3e-3] : [256, 600_000, 4, 4, 1e-3]
  const [units, smallText, passes, lanes] = quick ? [128, 20_000, 25, 8] : [512, 50_000, 40, 16]
  const corpus = { files, invalid: 'replace', lowercase: true } as const
  const adam = { kind: 'adam', flavour: 'keras', learningRate: rate } as const
  const keras = { init: 'keras', optimizer: adam, clip: false, ...training } as const
  // Windows of 8 characters, not shuffled. A lane is one contiguous part of the text, so what it carries is what came just before;
  // Keras's stateful batches, made of windows in text order, hand each state to the window 64 further on.
  async function stateful(resetCarry: 'epoch' | 'batch') {
    using model = await trainCharModel({
      corpus: { ...corpus, maxSymbols },
      input: { embedding: 42 },
      layers: [{ kind: 'batchNorm' }, { kind: 'lstm', size }],
      batches: { order: 'consecutive', resetCarry },
      batchSize: 64,
      unrollLength: 8,
      epochs,
      ...keras,
    })
    await model.train({ epochs: further, optimizer: { ...adam, learningRate: rate / 10 }, ...training })
    return lossesOf(model)
  }
  say(
    `${quick ? 'Quick: ' : ''}LSTM ${size}, ${epochs} + ${further} epochs of the first ${maxSymbols} characters of ${text}`,
  )
  const carry = { 'carry kept': await stateful('epoch'), 'carry reset': await stateful('batch') }
  say(lossTable(carry, 1))

  async function stacked(dropout: number) {
    using model = await trainCharModel({
      corpus: { ...corpus, maxSymbols: smallText },
      input: { embedding: 24 },
      layers: 2,
      hiddenSize: units,
      dropout: { input: dropout, recurrent: dropout, between: dropout, head: dropout },
      batchSize: lanes,
      unrollLength: 40,
      epochs: passes,
      ...keras,
    })
    return lossesOf(model)
  }
  say(`\n2 x LSTM ${units} on the first ${smallText} characters alone, ${passes} epochs`)
  const small = { 'no dropout': await stacked(0), 'dropout 0.2': await stacked(0.2) }
  say(lossTable(small, 5))

  const [kept, reset] = [carry['carry kept'].at(-1)!, carry['carry reset'].at(-1)!]
  const [without, dropped] = [small['no dropout'].at(-1)!, small['dropout 0.2'].at(-1)!]
  return {
    figure: kept.heldOut,
    claims: {
      'the carry kept beats the carry reset on held-out text': kept.heldOut < reset.heldOut,
      'both overfit a small text': without.training < without.heldOut && dropped.training < dropped.heldOut,
      'dropout lowers the held-out loss there': dropped.heldOut < without.heldOut,
    },
    picture: beside(drawHeldOut('The carry', carry), drawHeldOut('Dropout on a small text', small)),
  }
}
