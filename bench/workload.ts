/** Measures one workload in this process and prints one JSON line: `node workload.mjs W1 threads seconds`. */
import { readFileSync } from 'node:fs'
import { isRnnKitError, type Progress, type TrainCharModelOptions, type TrainingError, trainCharModel } from 'rnnkit'
import { peakMemory } from './machine.ts'
import { StepWatch } from './step-watch.ts'
import { usefulFlops, WORKLOADS, type Workload } from './workloads.ts'

/** One line of results, with the names that all measured software shares. */
export interface Measured {
  peer: 'rnnkit'
  version: string
  workload: string
  threads: number
  /** How symbols enter the first layer. */
  idiom: 'one-hot' | 'embedding'
  /** Symbols trained on in a second: lanes × time steps / median step. */
  tokens_per_s: number
  step_ms_median: number
  /** Peak resident memory of the process, MiB. */
  rss_mb: number
  /** From the start of the process to the first reported step. */
  first_step_s: number
  /** Useful floating-point operations in a second, 10⁹. */
  gflops: number
  /** Steps measured. */
  steps: number
  /** 'progress': the median is over the intervals between progress reports (about 50 ms each), each counted once for each of its steps. */
  timing: 'progress'
  own_cores?: number
  other_cores?: number
  stolen_cores?: number
}

/** Windows in the text: it is gone through again and again. */
const WINDOWS = 64

const [, , id = '', threads = '', seconds = ''] = process.argv
process.stdout.write(`${JSON.stringify(await measure(id, Number(threads), Number(seconds)))}\n`)

async function measure(workload: string, threads: number, seconds: number): Promise<Measured> {
  const plan = WORKLOADS.get(workload)!
  const watch = new StepWatch(seconds)
  await trainUntil(watch, { ...trainingOptions(plan), threads })
  const milliseconds = watch.median()
  const round = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    peer: 'rnnkit',
    version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
    workload,
    threads,
    idiom: plan.embed === undefined ? 'one-hot' : 'embedding',
    tokens_per_s: Math.round((1000 * plan.B * plan.T) / milliseconds),
    step_ms_median: round(milliseconds, 3),
    rss_mb: Math.round(peakMemory()),
    first_step_s: round(watch.firstStep, 2),
    gflops: round(usefulFlops(plan) / milliseconds / 1e6, 2),
    steps: watch.steps,
    timing: 'progress',
    ...watch.cores,
  }
}

/** Trains until the watch has seen enough. */
async function trainUntil(watch: StepWatch, options: Omit<TrainCharModelOptions, 'epochs'>): Promise<void> {
  const { signal } = watch
  const onProgress = (progress: Progress) => watch.see(progress)
  try {
    const model = await trainCharModel({ ...options, signal, onProgress } as TrainCharModelOptions)
    model.dispose()
  } catch (error) {
    if (!isRnnKitError(error) || error.code !== 'ERR_ABORTED') throw error
    ;(error as TrainingError<Disposable>).model[Symbol.dispose]()
  }
}

function trainingOptions(workload: Workload): Omit<TrainCharModelOptions, 'epochs'> {
  const { cell, layers, hidden, vocab, embed, T, B, head, dropout, opt, lr } = workload
  const share = dropout ?? 0
  return {
    corpus: { text: randomText(vocab, WINDOWS * B * T + 1) },
    cell: cell === 'lstm' || cell === 'gru' ? cell : { kind: 'rnn', activation: cell === 'rnn_relu' ? 'relu' : 'tanh' },
    layers,
    hiddenSize: hidden,
    input: embed === undefined ? 'one-hot' : { embedding: embed },
    predict: head === 'all' ? 'every-step' : 'last-step',
    dropout: { between: share, head: share },
    init: cell === 'rnn_relu' ? 'identity' : 'pytorch',
    batches: 'consecutive',
    batchSize: B,
    unrollLength: T,
    steps: 1_000_000,
    optimizer: { kind: opt, learningRate: lr },
    clip: { norm: 1 },
    validation: 0,
    seed: 1,
    device: 'cpu',
  }
}

/** A text of `length` symbols that has each of `vocabulary` distinct ones: only speed is measured, so they may be random. */
function randomText(vocabulary: number, length: number): string {
  // each of the ids below `vocabulary` as a code point of its own, all from one block of ideographs
  const symbol = (id: number) => String.fromCodePoint(0x4e00 + id)
  let text = ''
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += symbol(i < vocabulary ? i : Math.floor((state / 2 ** 32) * vocabulary))
  }
  return text
}
