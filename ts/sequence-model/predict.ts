/** What a model predicts for examples: row by row, whatever batches the engine took. */
import type { ModelSpec } from '../model/spec.ts'
import type { Session } from '../native/engine-session.ts'
import type { PredictionOutput } from '../options/sequence-questions.ts'
import type { ResidentExamples } from './parts.ts'
import { type ExamplesCall, overExamples } from './run-examples.ts'

export interface Prediction {
  /** [rows, T, outputs] of a model that predicts at every step, 0 behind a row's end; else [rows, outputs]. Row-major. */
  values: Float32Array
  shape: number[]
}

/** Told of each prediction: the example, its time step (the last one of a model that predicts there alone), and [outputs] values. */
type Take = (example: number, step: number, values: Float32Array) => void

export async function predictExamples(
  session: Session,
  spec: ModelSpec,
  examples: ResidentExamples,
  signal: AbortSignal | undefined,
  take: Take,
): Promise<void> {
  await overExamples(session, spec, examples, async (call) => {
    const values = await session.predict(call.evaluation, call.request, signal)
    if (spec.head.predict === 'everyStep') takeSteps(call, values, spec.head.size, take)
    else takeRows(call, examples, values, spec.head.size, take)
  })
}

/** @param values [K, T, N, size] */
function takeSteps(
  { request, first, count, step }: ExamplesCall,
  values: Float32Array,
  size: number,
  take: Take,
): void {
  const { lanes, time, lengths } = request
  for (let i = 0; i < count; i++) {
    const [k, lane] = [Math.floor(i / lanes), i % lanes]
    for (let t = 0; t < (lengths?.[i] ?? time); t++) {
      const at = ((k * time + t) * lanes + lane) * size
      take(first + i, step + t, values.subarray(at, at + size))
    }
  }
}

/** @param values [K, N, size] */
function takeRows(
  { first, count }: ExamplesCall,
  { time, lengths }: ResidentExamples,
  values: Float32Array,
  size: number,
  take: Take,
): void {
  for (let i = 0; i < count; i++) {
    take(first + i, (lengths?.[first + i] ?? time) - 1, values.subarray(i * size, (i + 1) * size))
  }
}

/** All predictions together. @param output what becomes of classes' scores */
export async function predictAll(
  session: Session,
  spec: ModelSpec,
  examples: ResidentExamples,
  output: PredictionOutput,
  signal: AbortSignal | undefined,
): Promise<Prediction> {
  const everyStep = spec.head.predict === 'everyStep'
  const { size } = spec.head
  const rows = examples.starts.length
  const shape = everyStep ? [rows, examples.time, size] : [rows, size]
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1))
  await predictExamples(session, spec, examples, signal, (row, step, found) => {
    const place = everyStep ? row * examples.time + step : row
    values.set(output === 'probabilities' ? softmax(found) : found, place * size)
  })
  return { values, shape }
}

function softmax(logits: Float32Array): Float32Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return Float32Array.from(powers, (power) => power / sum)
}
