/** A tagger: is the hidden letter a vowel? A GRU that reads the row from both ends knows more of it than one that reads forward. */
import { trainSequenceModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { bars, beside, lines } from '../lib/picture.ts'
import { readText } from '../lib/texts.ts'
import { clausesOf, consonants, LETTERS, mostHidden, percent, tagged, taggedRows, withHidden } from './rows.ts'

export const example: Example = {
  what: 'A bidirectional GRU tells whether a hidden letter is a vowel, from the letters on both sides of it',
  figure: 'share of the hidden letters of unseen rows that the bidirectional GRU tags rightly',
  shows: 'Loss on unseen rows over the epochs, and the share of letters tagged rightly, forward only and bidirectional',
  text: {},
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [size, rows, epochs] = quick ? [32, 4000, 6] : [64, 20_000, 12]
  const clauses = clausesOf(await readText(files), training.seed)
  const [seen, unseen] = [clauses.slice(1000, 1000 + rows), clauses.slice(0, 1000)]
  const data = taggedRows(seen, training.seed)
  const validationData = taggedRows(unseen, training.seed + 1)
  say(`${quick ? 'Quick: ' : ''}GRU ${size}, ${seen.length} rows of 8 to 40 letters of ${text}, ${epochs} epochs`)

  const shown = mostHidden(unseen, validationData)
  const constant = consonants(validationData)
  say(`always "consonant": ${percent(constant)} right`)
  const right: Record<string, number> = { consonant: constant }
  const curves: Record<string, [epoch: number, loss: number][]> = {}
  const guesses: string[] = []
  // The forward GRU is twice as wide, so that the head reads as many numbers of both.
  const layers = { forward: { size: 2 * size }, bidirectional: { size, bidirectional: true } }
  for (const [name, layer] of Object.entries(layers)) {
    using model = await trainSequenceModel({
      layers: [{ kind: 'gru', ...layer }],
      vocabulary: LETTERS.length,
      outputs: 2,
      loss: 'crossEntropy',
      data,
      validationData,
      batchSize: 32,
      epochs,
      optimizer: { kind: 'adam', learningRate: 4e-3 },
      ...training,
    })
    const { accuracy, loss } = await model.evaluate({ data: validationData })
    right[name] = accuracy
    const scored = model.history.filter(({ validation }) => validation !== undefined)
    curves[name] = scored.map(({ epoch, validation }) => [epoch, validation!.loss])
    say(`${name}, ${model.parameterCount} weights: ${percent(accuracy)} right, loss ${loss.toFixed(3)}`)
    guesses.push(`${name.padEnd(15)}${await tagged(model, shown)}`)
  }
  say(`\nan unseen row  ${shown.clause}\nsome hidden    ${withHidden(shown, () => '_')}\n${guesses.join('\n')}`)

  return {
    figure: right.bidirectional!,
    claims: {
      'the bidirectional GRU beats the forward one by at least 3 of 100': right.bidirectional! > right.forward! + 0.03,
      'the forward one beats always saying consonant': right.forward! > constant,
    },
    picture: beside(
      lines({ title: 'Unseen rows', x: 'epoch', y: 'loss, nats per hidden letter' }, curves),
      bars({ title: 'Vowel or consonant?', x: 'model', y: 'share right' }, right),
    ),
  }
}
