/** What a training tells of itself: progress events, and the history that stays with the model. */
import { type LossReport, lossMeasures } from '../metrics.ts'
import type { Timing } from '../native/engine-session.ts'

/** One event of a training. */
export interface Progress<Model = unknown> {
  /** The model as it is now: it may be sampled, evaluated or saved while the training goes on. */
  model: Model
  /** Optimizer steps done. */
  step: number
  /** Steps that will be done when this training is through. */
  totalSteps: number
  /** Epochs done, with the part of the present one: 1.5 is half-way through the second. */
  epoch: number
  /** Mean of the optimised objective since the last event. */
  loss: number
  /** Of the training text since the last event; NaN where the loss compares numbers. */
  perplexity: number
  /** Of the training text since the last event: bits per symbol; NaN where the loss compares numbers. */
  bitsPerChar: number
  /** Of the last step. */
  learningRate: number
  /** globalNorm of the last step's gradients, before clipping. */
  gradientNorm: number
  /** Share of the steps since the last event whose gradients were clipped, 0 to 1. */
  clipped: number
  /** Of the time that the training takes, scores and samples left out; what lies between the engine's calls counts. */
  symbolsPerSecond: number
  /** Median of the milliseconds that each step since the last event took the device; NaN where no step was done. */
  stepMilliseconds: number
  /**
   * How the last step's milliseconds were taken: 'window', each step clocked by itself; 'timestamps', by the GPU's own clock; 'call', the
   * time of a call of some steps shared evenly among them. Left out before the first step.
   */
  stepTiming?: Timing
  /** Since this training began. */
  elapsedMs: number
  /** Estimate; Infinity before the first step. */
  remainingMs: number
  /** The validation text's score, if it was scored at this step. */
  validation?: LossReport
  /** The test text's score, if it was scored at this step. */
  test?: LossReport
  /** Texts written at this step. */
  samples?: Sample[]
}

/** A text that the model wrote. */
export interface Sample {
  prefix: string
  /** The new text only. */
  text: string
  temperature: number
}

/** One point of a training's history: every 100 steps, at every epoch's end, at every evaluation and at the end. */
export interface HistoryEntry {
  /** Optimizer steps done. */
  step: number
  /** Epochs done, with the part of the present one. */
  epoch: number
  /** Mean of the optimised objective since the last entry. */
  loss: number
  /** Of the training text since the last entry; NaN where the loss compares numbers. */
  perplexity: number
  /** Of the training text since the last entry; NaN where the loss compares numbers. */
  bitsPerChar: number
  /** Of the last step. */
  learningRate: number
  /** Mean of the steps' globalNorm since the last entry, before clipping. */
  gradientNorm: number
  /** Share of the steps since the last entry whose gradients were clipped, 0 to 1. */
  clipped: number
  validation?: LossReport
  test?: LossReport
}

/** Steps between two entries of the history, where nothing else makes one. */
export const HISTORY_STEPS = 100

/** What is added up from one entry or event to the next. Plain numbers: they go into a file as they are. */
export interface StepSums {
  steps: number
  /** The optimised objective, times the predictions of each window. */
  lossSum: number
  /** Of a loss that compares numbers the sum of squared errors. */
  nats: number
  /** Predictions. */
  count: number
  normSum: number
  clipped: number
}

export function noSteps(): StepSums {
  return { steps: 0, lossSum: 0, nats: 0, count: 0, normSum: 0, clipped: 0 }
}

/** One step of a training. */
export interface StepReport {
  loss: number
  nats: number
  count: number
  gradientNorm: number
  clipped: boolean
}

export function addStep(sums: StepSums, report: StepReport): void {
  sums.steps++
  sums.lossSum += report.loss * report.count
  sums.nats += report.nats
  sums.count += report.count
  sums.normSum += report.gradientNorm
  sums.clipped += report.clipped ? 1 : 0
}

/** The measures of the sums; NaN where no step was done. @param classifier as in a loss report */
export function measuresOf(sums: StepSums, classifier: boolean) {
  return {
    ...lossMeasures(sums, classifier),
    gradientNorm: sums.normSum / sums.steps,
    clipped: sums.clipped / sums.steps,
  }
}
