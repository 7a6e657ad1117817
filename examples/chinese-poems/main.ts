/** The character RNN of the older Dive into Deep Learning on Chinese text: two prefixes, and what follows them as it learns. */
import { type CorpusOptions, trainCharModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { epochPerplexities } from '../lib/history.ts'
import { lines } from '../lib/picture.ts'

const PREFIXES = ['明月', '望明月']
const PREDICTION = { length: 50, greedy: true }

export const example: Example = {
  what: 'The older d2l’s RNN on Chinese characters, with prefixes and perplexity every 50 epochs; then a GRU and an LSTM',
  figure: 'perplexity of the last epoch, RNN in consecutive order',
  shows: 'Perplexity over the epochs: RNN in consecutive and shuffled order, GRU and LSTM, and the uniform guess',
  text: { tutorial: 'tang300.txt', otherwise: 'verse.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  const [numHiddens, numEpochs, predPeriod] = quick ? [64, 50, 25] : [256, 250, 50]
  const corpus: CorpusOptions = { files, newlines: 'space', maxSymbols: 10_000 }
  say(`${quick ? 'Quick: ' : ''}${numHiddens} hidden units, ${numEpochs} epochs, first 10,000 characters of ${text}`)

  /** d2l's rnn_model: the name of the cell, and the order of batches. */
  async function trainAndPredict(kind: 'rnn' | 'gru' | 'lstm', order: 'consecutive' | 'shuffled') {
    const setting = { batches: order, batchSize: 32, unrollLength: 35, clip: { norm: 1e-2 }, validation: 0 } as const
    const layers = [{ kind, size: numHiddens }]
    const cells = { layers, init: { normal: 0.01 }, vocabulary: { unknown: 'skip' }, corpus } as const
    // One step so small that it changes no weight: the model before training.
    const untrained = { kind: 'sgd', learningRate: 1e-30 } as const
    using model = await trainCharModel({ ...cells, ...setting, steps: 1, optimizer: untrained, ...training })
    say(`\n${kind}, ${order}, ${model.vocabulary.length} characters: before training`)
    for (const prefix of PREFIXES) say(` - ${prefix}${await model.sample({ prefix, ...PREDICTION })}`)
    const told = model.history.length
    const { onProgress } = training
    await model.train({
      ...setting,
      epochs: numEpochs,
      optimizer: { kind: 'sgd', learningRate: 1e2 },
      samples: { every: { epochs: predPeriod }, prefixes: PREFIXES, ...PREDICTION },
      onProgress: (progress) => {
        onProgress(progress)
        if (progress.samples === undefined) return
        const { perplexity } = model.history.at(-1)!
        say(`epoch ${progress.epoch}: perplexity ${perplexity.toFixed(2)}, ${(progress.elapsedMs / 1000).toFixed(1)} s`)
        for (const sample of progress.samples) say(` - ${sample.prefix}${sample.text}`)
      },
    })
    return { vocab: model.vocabulary.length, curve: epochPerplexities(model.history.slice(told)) }
  }

  const rnn = await trainAndPredict('rnn', 'consecutive')
  const curves = {
    'rnn, consecutive': rnn.curve,
    'rnn, shuffled': (await trainAndPredict('rnn', 'shuffled')).curve,
    gru: (await trainAndPredict('gru', 'consecutive')).curve,
    lstm: (await trainAndPredict('lstm', 'consecutive')).curve,
    'uniform guess': [
      [1, rnn.vocab],
      [numEpochs, rnn.vocab],
    ] as [number, number][],
  }
  return {
    figure: rnn.curve.at(-1)![1],
    claims: {
      'below the uniform guess (the vocabulary size) from epoch 50 on': rnn.curve.every(
        ([epoch, p]) => epoch < 50 || p < rnn.vocab,
      ),
    },
    picture: lines({ title: 'RNNs on Chinese verse', x: 'epoch', y: { title: 'perplexity', scale: 'log' } }, curves),
  }
}
