/** Scores examples: loss and what belongs to it, and how many classes were right. */
import { type LossReport, type LossSums, lossMeasures } from '../metrics.ts'
import { isClassifier, type ModelSpec } from '../model/spec.ts'
import type { Session } from '../native/engine-session.ts'
import type { GivenData } from '../options/sequence-data.ts'
import type { ResidentExamples } from './parts.ts'
import { predictExamples } from './predict.ts'
import { overExamples } from './run-examples.ts'

/** How well a model predicts some data. */
export interface SequenceReport {
  /** Mean of the optimised objective over all predictions; for 'rmse' the root of the mean over all of them. */
  loss: number
  /** Predictions: steps with a target, or rows. */
  predictions: number
  /** Of classes; NaN where the loss compares numbers. */
  perplexity: number
  /** Share of the predictions whose likeliest class is the target, 0 to 1; NaN where the loss compares numbers. */
  accuracy: number
  /** Mean squared error over all numbers; NaN where targets are classes. */
  meanSquaredError: number
  /** Its square root. */
  rootMeanSquaredError: number
}

async function sumsOf(
  session: Session,
  spec: ModelSpec,
  examples: ResidentExamples,
  signal: AbortSignal | undefined,
): Promise<LossSums> {
  const sums = { lossSum: 0, nats: 0, count: 0 }
  await overExamples(session, spec, examples, async ({ evaluation, request }) => {
    const call = await session.evaluate(evaluation, request, signal)
    call.counts.forEach((count, k) => {
      sums.lossSum += count > 0 ? call.losses[k]! * count : 0
      sums.nats += call.nats[k]!
      sums.count += count
    })
  })
  return sums
}

/** Errors of numbers, from the sum of squares of that many predictions. */
function errorsOf({ head, loss }: ModelSpec, { nats, count }: LossSums) {
  const meanSquaredError = nats / (count * head.size)
  const rootMeanSquaredError = Math.sqrt(meanSquaredError)
  return {
    loss: loss.kind === 'rootMeanSquaredError' ? rootMeanSquaredError : meanSquaredError,
    meanSquaredError,
    rootMeanSquaredError,
  }
}

/** The score of a part of a training's data. */
export async function scoreExamples(
  session: Session,
  spec: ModelSpec,
  examples: ResidentExamples,
  signal: AbortSignal | undefined,
): Promise<LossReport> {
  const sums = await sumsOf(session, spec, examples, signal)
  const measures = lossMeasures(sums, isClassifier(spec))
  const loss = isClassifier(spec) ? measures.loss : errorsOf(spec, sums).loss
  return { ...measures, loss, symbols: sums.count }
}

/** The score of data of their own. */
export async function reportOn(
  session: Session,
  spec: ModelSpec,
  given: GivenData,
  examples: ResidentExamples,
  signal: AbortSignal | undefined,
): Promise<SequenceReport> {
  const sums = await sumsOf(session, spec, examples, signal)
  if (!isClassifier(spec)) {
    return { ...errorsOf(spec, sums), predictions: sums.count, perplexity: Number.NaN, accuracy: Number.NaN }
  }
  const { loss, perplexity } = lossMeasures(sums, true)
  const right = await countRight(session, spec, given, examples, signal)
  const errors = { meanSquaredError: Number.NaN, rootMeanSquaredError: Number.NaN }
  return { loss, predictions: sums.count, perplexity, accuracy: right / sums.count, ...errors }
}

async function countRight(
  session: Session,
  spec: ModelSpec,
  { targets, mask, time }: GivenData,
  examples: ResidentExamples,
  signal: AbortSignal | undefined,
): Promise<number> {
  let right = 0
  const perRow = spec.head.predict === 'lastStep'
  await predictExamples(session, spec, examples, signal, (row, step, logits) => {
    const place = perRow ? row : row * time + step
    if (perRow || mask?.[place] !== 0) right += likeliest(logits) === targets![place] ? 1 : 0
  })
  return right
}

/** The first of the largest. */
function likeliest(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}
