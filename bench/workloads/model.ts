/** Trains the model of a workload through the public API: its first step, and then on. */
import {
  type CharModel,
  isRnnKitError,
  type Progress,
  type SeriesModel,
  type TrainCharModelOptions,
  trainCharModel,
  trainSeriesModel,
} from 'rnnkit'
import { deviceOptions } from '../setting.ts'
import { noisySine, randomText } from './data.ts'
import type { Job } from './job.ts'
import type { Workload } from './list.ts'

/** A training that goes on until it is told to stop. */
export const ENDLESS = 1_000_000_000

/** The workload's model after one step. */
export async function trainedOneStep(job: Job): Promise<CharModel | SeriesModel> {
  return job.workload.in === undefined ? await charModel(job) : await trainSeriesModel(seriesOptions(job))
}

/** The same of a workload on characters. */
export async function charModel(job: Job): Promise<CharModel> {
  return await trainCharModel(charOptions(job))
}

/** Trains on for `steps`, or until the signal is raised. */
export async function trainOn(
  model: CharModel | SeriesModel,
  steps: number,
  { see, signal }: { see?: (progress: Progress) => void; signal?: AbortSignal } = {},
): Promise<void> {
  const options = { steps, ...(see && { onProgress: see }), ...(signal && { signal }) }
  try {
    await model.train(options)
  } catch (error) {
    if (!isRnnKitError(error) || error.code !== 'ERR_ABORTED') throw error
  }
}

function charOptions({ workload, windows, setting }: Job): TrainCharModelOptions {
  const { vocab, embed, T, B, head, dropout = 0 } = workload
  return {
    corpus: { text: randomText(vocab, windows * B * T + 1) },
    input: embed === undefined ? 'one-hot' : { embedding: embed },
    predict: head === 'all' ? 'every-step' : 'last-step',
    batches: 'consecutive',
    unrollLength: T,
    ...commonOptions(workload),
    dropout: { between: dropout, head: dropout },
    ...deviceOptions(setting),
  }
}

/** Each window restarts from zero, as those of a series do; the others carry. */
function seriesOptions({ workload, windows, setting }: Job) {
  const { T, B } = workload
  return {
    series: noisySine(windows * B + T),
    lookback: T,
    ...commonOptions(workload),
    ...deviceOptions(setting),
  }
}

function commonOptions({ cell, layers, hidden, B, opt, lr }: Workload) {
  return {
    steps: 1,
    cell: cellOf(cell),
    layers,
    hiddenSize: hidden,
    init: cell === 'rnn_relu' ? ('identity' as const) : ('pytorch' as const),
    batchSize: B,
    optimizer: { kind: opt, learningRate: lr },
    clip: { norm: 1 },
    validation: 0,
    seed: 1,
  }
}

function cellOf(cell: Workload['cell']) {
  if (cell === 'lstm' || cell === 'gru') return cell
  return { kind: 'rnn' as const, activation: cell === 'rnn_relu' ? ('relu' as const) : ('tanh' as const) }
}
