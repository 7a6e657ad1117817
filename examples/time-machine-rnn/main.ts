/** The RNN of Dive into Deep Learning on The Time Machine: from scratch, and concisely through the API. */
import { trainCharModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { epochPerplexities } from '../lib/history.ts'
import { lines } from '../lib/picture.ts'
import { lettersAndSpaces, readText } from '../lib/texts.ts'
import { trainScratch } from './train-scratch.ts'

const PREFIX = 'time traveller'
const BOOK = { batchSize: 32, numSteps: 35, learningRate: 1, theta: 1 }

export const example: Example = {
  what: 'd2l’s RNN on *The Time Machine*, from scratch in TypeScript and concisely by the API',
  figure: 'perplexity of the last epoch, by the API in consecutive order',
  shows: 'Perplexity over the epochs: from scratch, and by the API in consecutive and in shuffled order',
  text: { tutorial: 'timemachine.txt' },
  run,
}

async function run({ quick, files, text, training, say }: Run): Promise<Result> {
  // From scratch 50 epochs are enough to compare: the loop in TypeScript would take most of an hour for all 500.
  const [numHiddens, epochs, scratchEpochs] = quick ? [64, 50, 25] : [512, 500, 50]
  const { batchSize, numSteps, learningRate, theta } = BOOK
  say(`${quick ? 'Quick: ' : ''}RNN ${numHiddens}, ${epochs} epochs of the first 10,000 letters and spaces of ${text}`)

  const curves: Record<string, [epoch: number, perplexity: number][]> = {}
  function tell(name: string, curve: [number, number][], symbolsPerSecond: number, predicted: string) {
    curves[name] = curve
    const label = curve.length < epochs ? `${name}, ${curve.length} epochs` : name
    const speed = `${Math.round(symbolsPerSecond).toLocaleString('en')} symbols/s`
    say(`${label}: perplexity ${curve.at(-1)![1].toFixed(3)}, ${speed}\n  ${PREFIX}${predicted}`)
  }

  for (const order of ['consecutive', 'shuffled'] as const) {
    const clock = performance.now()
    using model = await trainCharModel({
      corpus: { files, normalize: lettersAndSpaces, maxSymbols: 10_000 },
      layers: [{ kind: 'rnn', size: numHiddens }],
      init: { normal: 0.01 },
      batches: { order, offset: 'random' },
      batchSize,
      unrollLength: numSteps,
      epochs,
      optimizer: { kind: 'sgd', learningRate },
      clip: { norm: theta },
      validation: 0,
      ...training,
    })
    const symbolsPerSecond = (model.position.step * batchSize * numSteps * 1000) / (performance.now() - clock)
    const predicted = await model.sample({ prefix: PREFIX, length: 50, greedy: true })
    tell(`API, ${order}`, epochPerplexities(model.history), symbolsPerSecond, predicted)
  }

  const corpus = lettersAndSpaces(await readText(files)).slice(0, 10_000)
  const scratch = await trainScratch({ text: corpus, hiddens: numHiddens, epochs: scratchEpochs, ...BOOK, ...training })
  tell('from scratch', scratch.perplexities, scratch.symbolsPerSecond, scratch.predict(PREFIX, 50))

  const reached = (name: string, epoch: number) => curves[name]![epoch - 1]![1]
  const ratio = reached('from scratch', scratchEpochs) / reached('API, consecutive', scratchEpochs)
  say(`after ${scratchEpochs} epochs the perplexity from scratch is ${ratio.toFixed(3)} of the API’s`)
  return {
    figure: reached('API, consecutive', epochs),
    claims: { 'from scratch and by the API the perplexity is the same within 10 %': Math.abs(ratio - 1) < 0.1 },
    picture: lines(
      { title: 'RNN on letters and spaces', x: 'epoch', y: { title: 'perplexity', scale: 'log' } },
      curves,
    ),
  }
}
