/** A line of results, with the names that all measured software shares. */

/** What the table needs of a line, whoever measured it. */
export interface PeerLine {
  peer: string
  version: string
  workload: string
  /** How symbols enter the first layer, and what else sets this run apart. */
  idiom: string
  /** Symbols trained on in a second: lanes × time steps / median step. */
  tokens_per_s: number
  step_ms_median: number
  /** 'cpu' where a line does not say. */
  device?: string
  /** 'f32' where a line does not say. */
  precision?: string
  /** The GPU's name; not on a CPU. */
  adapter?: string
}

/** A line of ours. */
export interface Measured extends PeerLine {
  peer: 'rnnkit'
  threads: number
  idiom: 'one-hot' | 'embedding'
  device: 'cpu' | 'gpu'
  /** Device and kernels in the engine's words. */
  device_description: string
  /** The GPU's driver with its version; not on a CPU. */
  driver?: string
  precision: 'f32' | 'f16'
  /** The form of the recurrence that was asked for; 'auto' = by the engine's table. */
  form: 'step' | 'resident' | 'auto'
  /** Peak resident memory of the process, MiB; a GPU's own memory is not in it. */
  rss_mb: number
  /** From the start of the process to the first reported step. */
  first_step_s: number
  /** Useful floating-point operations in a second, 10⁹. */
  gflops: number
  /** Steps measured. */
  steps: number
  /** 'progress': the median is over the intervals between progress reports (about 50 ms each), each counted once for each of its steps. */
  timing: 'progress'
  /** A shrunken workload: the figures say nothing. */
  quick?: true
  own_cores?: number
  other_cores?: number
  stolen_cores?: number
}
