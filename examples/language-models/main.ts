/** Language models of a novel, from counted n-grams over an MLP on four characters to an RNN, by perplexity on text none of them saw. */
import { trainCharModel, trainNgramModel, trainSequenceModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { bars, beside } from '../lib/picture.ts'
import { lettersAndSpaces, readText } from '../lib/texts.ts'
import { CHARACTERS, lastCharacters } from './last-characters.ts'
import { drawFrequencies, wordGrams } from './word-grams.ts'

const HIDDENS = 256

export const example: Example = {
  what: 'Language models of a novel by perplexity: unigram, bigram, trigram, an MLP on the last four characters, an RNN',
  figure: 'perplexity of the RNN on the held-out text',
  shows: 'How often words, pairs and triples of words occur, by rank, and the perplexity of each language model',
  text: { tutorial: 'timemachine.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [symbols, epochs] = quick ? [150_000, 10] : [400_000, 20]
  const novel = lettersAndSpaces(await readText(files)).slice(0, symbols)
  const cut = Math.floor(novel.length * 0.9)
  const [seen, heldOut] = [novel.slice(0, cut), novel.slice(cut)]
  const corpus = { text: seen }
  say(`${quick ? 'Quick: ' : ''}the first ${novel.length} letters and spaces of ${text}, the last tenth held out`)

  // Word frequencies: the most frequent n-grams, and how fast the frequencies fall.
  const frequencies = await wordGrams(novel)
  for (const [name, grams] of Object.entries(frequencies)) {
    const most = grams.slice(0, 8).map(({ gram, count }) => `${gram} (${count})`)
    say(`the most frequent ${name}: ${most.join(', ')}`)
  }

  const perplexity: Record<string, number> = {}
  const tell = (name: string, report: { perplexity: number }, written = '') => {
    perplexity[name] = report.perplexity
    say(`${name.padEnd(8)}${report.perplexity.toFixed(2).padStart(6)}  ${written}`)
  }
  const sampling = { prefix: 'the ', length: 70, seed: training.seed }
  say(`\nPerplexity on the same ${heldOut.length - 1} characters, and what follows ‘${sampling.prefix}’:`)
  for (const [i, name] of ['unigram', 'bigram', 'trigram'].entries()) {
    const ngrams = await trainNgramModel({ corpus, order: i + 1, validation: 0 })
    tell(name, await ngrams.evaluate({ text: heldOut }), await ngrams.sample(sampling))
  }

  using mlp = await trainSequenceModel({
    data: lastCharacters(seen, 4),
    outputs: CHARACTERS,
    loss: 'crossEntropy',
    layers: [{ kind: 'dense', size: HIDDENS, activation: 'tanh' }],
    batchSize: 64,
    epochs: epochs / 2,
    ...training,
  })
  tell('MLP', await mlp.evaluate({ data: lastCharacters(heldOut, 4) }))

  const optimizer = { kind: 'adam', learningRate: 3e-3 } as const
  const how = { batchSize: 16, unrollLength: 35, epochs, optimizer, schedule: { kind: 'linear' } } as const
  const layers = [{ kind: 'rnn', size: HIDDENS }] as const
  using rnn = await trainCharModel({ corpus, layers, ...how, validation: 0, ...training })
  tell('RNN', await rnn.evaluate({ text: heldOut }), await rnn.sample(sampling))

  const falling = ['unigram', 'bigram', 'trigram', 'RNN'].map((name) => perplexity[name]!)
  return {
    figure: perplexity.RNN!,
    claims: { 'unigram > bigram > trigram > RNN': falling.every((p, i) => i === 0 || p < falling[i - 1]!) },
    picture: beside(
      drawFrequencies(frequencies),
      bars({ title: 'Language models', x: 'model', y: 'perplexity' }, perplexity),
    ),
  }
}
