/** What a training or an evaluation is measured by; each measure is defined here and nowhere else. */

/** exp(total nats / total symbols): how many equally likely symbols the model hesitates between. Taken once, at the end. */
export function perplexity(nats: number, symbols: number): number {
  return Math.exp(nats / symbols)
}

/** Total nats / total symbols / ln 2: what the text would take when compressed with the model, in bits per symbol. */
export function bitsPerChar(nats: number, symbols: number): number {
  return nats / symbols / Math.LN2
}

/** The middle of some numbers, the mean of the two in the middle of an even count; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle - 0.5)]! + sorted[Math.floor(middle)]!) / 2
}

/** Sums over some windows. */
export interface LossSums {
  /** The optimised objective, summed over symbols: label smoothing included. */
  lossSum: number
  /** Plain cross-entropy in nats, summed over symbols. */
  nats: number
  /** Symbols predicted. */
  count: number
}

export interface LossReport {
  /** Mean of the optimised objective over all symbols. */
  loss: number
  /** NaN where the loss compares numbers. */
  perplexity: number
  /** NaN where the loss compares numbers. */
  bitsPerChar: number
  /** Symbols predicted. */
  symbols: number
}

/** The measures of the sums; all NaN when nothing was predicted. @param classifier the loss is cross-entropy, which alone has a perplexity */
export function lossMeasures({ lossSum, nats, count }: LossSums, classifier: boolean): Omit<LossReport, 'symbols'> {
  return {
    loss: lossSum / count,
    perplexity: classifier ? perplexity(nats, count) : Number.NaN,
    bitsPerChar: classifier ? bitsPerChar(nats, count) : Number.NaN,
  }
}

/** The same of a classifier, with how many symbols they are of. */
export function lossReport(sums: LossSums): LossReport {
  return { ...lossMeasures(sums, true), symbols: sums.count }
}

/** Adds up the sums of windows and reports on all of them together. */
export class LossMeter {
  #sums: LossSums = { lossSum: 0, nats: 0, count: 0 }

  add({ lossSum, nats, count }: LossSums): void {
    this.#sums.lossSum += lossSum
    this.#sums.nats += nats
    this.#sums.count += count
  }

  /** Symbols predicted since the last `take`. */
  get count(): number {
    return this.#sums.count
  }

  /** The report on everything since the last `take`. */
  report(): LossReport {
    return lossReport(this.#sums)
  }

  /** The same, and begins anew. */
  take(): LossReport {
    const report = this.report()
    this.#sums = { lossSum: 0, nats: 0, count: 0 }
    return report
  }
}

/** Milliseconds from some fixed moment, never going back. */
export type Clock = () => number

/**
 * How fast a training goes. Time between `pause` and `resume` (evaluations, samples) counts as elapsed but not as
 * training.
 */
export class SpeedMeter {
  readonly #clock: Clock
  readonly #started: number
  #pausedMs = 0
  #pausedAt: number | undefined
  #steps = 0
  #lap = { trainedMs: 0, symbols: 0 }

  constructor(clock: Clock = () => performance.now()) {
    this.#clock = clock
    this.#started = clock()
  }

  /** Reports steps that were done, and the symbols predicted in them. */
  add(steps: number, symbols: number): void {
    this.#steps += steps
    this.#lap.symbols += symbols
  }

  pause(): void {
    this.#pausedAt ??= this.#clock()
  }

  resume(): void {
    if (this.#pausedAt === undefined) return
    this.#pausedMs += this.#clock() - this.#pausedAt
    this.#pausedAt = undefined
  }

  /** Milliseconds since the meter was made, pauses included. */
  get elapsedMs(): number {
    return this.#clock() - this.#started
  }

  /** Symbols per second of training since the last call, or since the beginning; 0 when no time has passed. */
  takeSymbolsPerSecond(): number {
    const trainedMs = this.#trainedMs()
    const { symbols, trainedMs: from } = this.#lap
    this.#lap = { trainedMs, symbols: 0 }
    return trainedMs > from ? (symbols * 1000) / (trainedMs - from) : 0
  }

  /** Milliseconds that `steps` more will take at the average pace so far, pauses included; Infinity before the first step. */
  remainingMs(steps: number): number {
    if (steps <= 0) return 0
    return this.#steps === 0 ? Number.POSITIVE_INFINITY : (this.elapsedMs / this.#steps) * steps
  }

  #trainedMs(): number {
    return (this.#pausedAt ?? this.#clock()) - this.#started - this.#pausedMs
  }
}
