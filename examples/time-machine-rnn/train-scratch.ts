/** Trains the from-scratch RNN: the corpus, sequential partitioning, the training loop and greedy prediction. */
import { setImmediate } from 'node:timers/promises'
import type { Run } from '../lib/example.ts'
import { randomNumbers } from '../lib/random.ts'
import { backward, forward, initParams, outputs, type Params, type Sizes, sgd } from './scratch.ts'

export interface ScratchOptions {
  text: string
  hiddens: number
  batchSize: number
  numSteps: number
  epochs: number
  learningRate: number
  /** Of the gradient's global norm. */
  theta: number
  seed: number
  /** Told of every epoch. */
  onProgress: Run['training']['onProgress']
}

/** What `trainScratch` gives back. */
export interface ScratchModel {
  /** [epoch, perplexity] */
  perplexities: [epoch: number, perplexity: number][]
  symbolsPerSecond: number
  predict(prefix: string, length: number): string
}

/** Trains for `epochs` epochs, each from a zero state and a random offset; a symbol is one UTF-16 code unit. */
export async function trainScratch({
  text,
  epochs,
  learningRate,
  theta,
  seed,
  onProgress,
  ...shape
}: ScratchOptions): Promise<ScratchModel> {
  const vocab = [...new Set(text)].sort()
  const corpus = Uint32Array.from(text, (symbol) => vocab.indexOf(symbol))
  const sizes: Sizes = { vocab: vocab.length, ...shape }
  const random = randomNumbers(seed)
  const params = initParams(sizes, random)
  const curve: [number, number][] = []
  const clock = performance.now()
  let symbols = 0
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let [nats, count] = [0, 0]
    let state = new Float32Array(sizes.batchSize * sizes.hiddens)
    for (const { x, y } of sequentialWindows(corpus, sizes, random.below(sizes.numSteps))) {
      const hidden = forward(params, sizes, x, state)
      const { grads, nats: ofWindow } = backward(params, sizes, x, y, hidden)
      sgd(params, grads, learningRate, theta)
      state = hidden.slice(-state.length)
      nats += ofWindow
      count += x.length
      // so that Ctrl-C and the progress get their turn
      await setImmediate()
    }
    symbols += count
    const elapsedMs = performance.now() - clock
    const measures = {
      loss: nats / count,
      perplexity: Math.exp(nats / count),
      symbolsPerSecond: (symbols * 1000) / elapsedMs,
    }
    const position = {
      step: epoch,
      totalSteps: epochs,
      epoch,
      elapsedMs,
      remainingMs: (elapsedMs / epoch) * (epochs - epoch),
    }
    onProgress({ ...position, ...measures })
    curve.push([epoch, measures.perplexity])
  }
  const symbolsPerSecond = (symbols * 1000) / (performance.now() - clock)
  return { perplexities: curve, symbolsPerSecond, predict: predictor(params, sizes, vocab) }
}

/** Sequential partitioning: each of N sequences reads its own stretch of the corpus; windows x and y [T, N], y one symbol later. */
function* sequentialWindows(corpus: Uint32Array, { batchSize, numSteps }: Sizes, offset: number) {
  const stretch = Math.floor((corpus.length - offset - 1) / batchSize)
  const window = (start: number) =>
    Uint32Array.from({ length: numSteps * batchSize }, (_, i) => {
      return corpus[start + (i % batchSize) * stretch + Math.floor(i / batchSize)]!
    })
  for (let start = offset; start + numSteps <= offset + stretch; start += numSteps) {
    yield { x: window(start), y: window(start + 1) }
  }
}

/** Warms the state up on a prefix, then always takes the likeliest symbol. */
function predictor(params: Params, sizes: Sizes, vocab: readonly string[]) {
  return (prefix: string, length: number): string => {
    let next = Uint32Array.from(prefix, (symbol) => vocab.indexOf(symbol))
    let state = new Float32Array(sizes.hiddens)
    let predicted = ''
    while (predicted.length < length) {
      state = forward(params, sizes, next, state).slice(-sizes.hiddens)
      const logits = outputs(params, sizes, state)
      next = Uint32Array.of(logits.indexOf(logits.reduce((a, b) => Math.max(a, b))))
      predicted += vocab[next[0]!]!
    }
    return predicted
  }
}
