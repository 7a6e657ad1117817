/** Measures one workload in this process and prints one JSON line: `node workload.mjs W1 SETTING`, the setting as JSON. */
import { readFileSync } from 'node:fs'
import {
  type CharModel,
  isRnnKitError,
  type Progress,
  type TrainCharModelOptions,
  type TrainingError,
  trainCharModel,
} from 'rnnkit'
import { peakMemory } from './machine.ts'
import type { Measured } from './measured.ts'
import { deviceOptions, type Setting } from './setting.ts'
import { StepWatch } from './step-watch.ts'
import { shrunken, usefulFlops, WORKLOADS, type Workload } from './workloads.ts'

/** Windows in the text, which is gone through again and again. A call ends with the text: a GPU's holds some hundred windows. */
const WINDOWS = { cpu: 64, gpu: 512 }

const [, , id = '', setting = ''] = process.argv
try {
  process.stdout.write(`${JSON.stringify(await measure(id, JSON.parse(setting) as Setting))}\n`)
} catch (error) {
  if (!isRnnKitError(error)) throw error
  console.error(`bench: ${id}: ${error.message} (${error.code})`)
  process.exitCode = 1
}

async function measure(workload: string, setting: Setting): Promise<Measured> {
  const { device, threads, precision, form, quick } = setting
  const plan = quick ? shrunken(WORKLOADS.get(workload)!) : WORKLOADS.get(workload)!
  const watch = new StepWatch(setting.seconds)
  const description = await trainUntil(watch, { ...trainingOptions(plan, WINDOWS[device]), ...deviceOptions(setting) })
  // A call resolves when its reports are read back, so what lies between two reports is done, on a device that works ahead as well.
  const milliseconds = watch.median()
  const round = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    peer: 'rnnkit',
    version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
    workload,
    threads,
    device,
    device_description: description,
    precision,
    form: form ?? 'auto',
    idiom: plan.embed === undefined ? 'one-hot' : 'embedding',
    tokens_per_s: Math.round((1000 * plan.B * plan.T) / milliseconds),
    step_ms_median: round(milliseconds, 3),
    rss_mb: Math.round(peakMemory()),
    first_step_s: round(watch.firstStep, 2),
    gflops: round(usefulFlops(plan) / milliseconds / 1e6, 2),
    steps: watch.steps,
    timing: 'progress',
    ...(quick ? { quick } : {}),
    ...watch.cores,
  }
}

/** Trains until the watch has seen enough, and gives back the device in words. */
async function trainUntil(watch: StepWatch, options: Omit<TrainCharModelOptions, 'epochs'>): Promise<string> {
  const { signal } = watch
  const onProgress = (progress: Progress) => watch.see(progress)
  const model = await trainCharModel({ ...options, signal, onProgress } as TrainCharModelOptions).catch(modelSoFar)
  const { device } = model
  model.dispose()
  return device.description
}

function modelSoFar(error: unknown): CharModel {
  if (!isRnnKitError(error) || error.code !== 'ERR_ABORTED') throw error
  return (error as TrainingError<CharModel>).model
}

/** @param windows length of the text */
function trainingOptions(workload: Workload, windows: number): Omit<TrainCharModelOptions, 'epochs'> {
  const { cell, layers, hidden, vocab, embed, T, B, head, dropout, opt, lr } = workload
  const share = dropout ?? 0
  return {
    corpus: { text: randomText(vocab, windows * B * T + 1) },
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
