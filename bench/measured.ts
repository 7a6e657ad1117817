/** A line of results, with the names that all measured software shares. */
import type { Precision } from 'rnnkit'

/** What every line has, whoever measured it. */
interface Line {
  peer: string
  version: string
  /** Of the work list; 'sample W2' where its model wrote text. */
  workload: string
  /** How symbols enter the first layer, and what else sets this run apart; none where there is one way only. */
  idiom?: string
  threads?: number
  /** 'cpu' where a line does not say. */
  device?: string
  /** 'f32' where a line does not say. */
  precision?: string
  /** The GPU's name; not on a CPU. */
  adapter?: string
  /** Processor cores that other programs used meanwhile. */
  other_cores?: number
}

/** A training: what the table needs of a line, whoever measured it. */
export interface PeerLine extends Line {
  /** Symbols trained on in a second: lanes × time steps / median step. */
  tokens_per_s: number
  step_ms_median: number
  /** Milliseconds from the first measured step to the last, divided by the steps: what lies between them counts. */
  wall_ms_per_step?: number
  rss_mb?: number
  first_step_s?: number
}

/** Text written one character at a time. */
export interface SampleLine extends Line {
  chars_per_s: number
}

/** What our lines say of the setting. */
export interface MeasuredBy {
  peer: 'rnnkit'
  version: string
  workload: string
  threads: number
  device: 'cpu' | 'gpu'
  /** Device and kernels in the engine's words. */
  device_description: string
  /** The GPU's driver with its version; not on a CPU. */
  driver?: string
  adapter?: string
  precision: Precision
  /** The form of the recurrence that was asked for; 'auto' = by the engine's table. */
  form: 'step' | 'resident' | 'auto'
  /** A shrunken workload: the figures say nothing. */
  quick?: true
}

/** A line of ours. */
export interface Measured extends PeerLine, MeasuredBy {
  peer: 'rnnkit'
  threads: number
  device: 'cpu' | 'gpu'
  precision: Precision
  idiom: 'one-hot' | 'embedding' | 'numbers'
  wall_ms_per_step: number
  /** Peak resident memory of the process, MiB; a GPU's own memory is not in it. */
  rss_mb: number
  /** From the start of the process to the end of the first step. */
  first_step_s: number
  /** Useful floating-point operations in a second, 10⁹. */
  gflops: number
  /** Steps measured. */
  steps: number
  /** How the steps were timed: `Progress.stepTiming`. */
  timing: 'window' | 'timestamps' | 'call'
  own_cores?: number
  stolen_cores?: number
}

/** A line of ours on sampling. */
export interface MeasuredSample extends SampleLine, MeasuredBy {
  peer: 'rnnkit'
  threads: number
  device: 'cpu' | 'gpu'
  precision: Precision
  /** Of each text. */
  characters: number
  /** Calls of the addon for one text. */
  native_calls: number
  rss_mb: number
  own_cores?: number
  stolen_cores?: number
}
