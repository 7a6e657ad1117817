/** The progress of a training on stderr: one line that rewrites itself on a terminal, a plain line every few seconds elsewhere. */
import type { Writable } from 'node:stream'
import type { Unit } from '../corpus/segment.ts'

/** What the line shows of a training's progress. */
export interface ShownProgress {
  step: number
  totalSteps: number
  /** Epochs done, with the part of the present one. */
  epoch: number
  /** Nats per symbol, or what else the training minimises. */
  loss: number
  /** NaN where the loss compares numbers. */
  perplexity: number
  symbolsPerSecond: number
  /** Infinity while nothing can be said. */
  remainingMs: number
  /** Since the training began. */
  elapsedMs: number
}

interface Terminal extends Writable {
  isTTY?: boolean
  columns?: number
}

/** Milliseconds between two plain lines where nothing can be rewritten. */
const PLAIN_INTERVAL_MS = 5000

/** From when on the remaining time is told: the first steps are no measure of the rest. The first event comes after a step. */
const SETTLED = { ms: 1000, steps: 2 }

const CLEAR_LINE = '\r\u001b[2K'

export class ProgressLine {
  readonly #out: Terminal
  readonly #now: () => number
  #shownAt = Number.NEGATIVE_INFINITY
  #firstStep: number | undefined

  constructor(out: Terminal, now: () => number = () => performance.now()) {
    this.#out = out
    this.#now = now
  }

  /** Shows `progress`; `always` also where a plain line was written a moment ago. */
  show(progress: ShownProgress, always = false): void {
    this.#firstStep ??= progress.step
    const settled = progress.elapsedMs >= SETTLED.ms && progress.step - this.#firstStep >= SETTLED.steps
    const line = describeProgress(settled ? progress : { ...progress, remainingMs: Number.POSITIVE_INFINITY })
    if (this.#out.isTTY) {
      this.#out.write(`${CLEAR_LINE}${line.slice(0, (this.#out.columns ?? 80) - 1)}`)
    } else if (always || this.#now() - this.#shownAt >= PLAIN_INTERVAL_MS) {
      this.#shownAt = this.#now()
      this.#out.write(`${line}\n`)
    }
  }

  /** Writes `text` on lines of its own. */
  note(text: string): void {
    this.#out.write(`${this.#out.isTTY ? CLEAR_LINE : ''}${text}\n`)
  }

  /** Leaves the last line standing. */
  end(): void {
    if (this.#out.isTTY) this.#out.write('\n')
  }
}

/** `step 1,200 of 1,500 · epoch 2.79 · loss 1.932 · perplexity 6.90 · 34,000 symbols/s · 12 s left` */
export function describeProgress(progress: ShownProgress): string {
  const { step, totalSteps, epoch, loss, perplexity, symbolsPerSecond, remainingMs } = progress
  const parts = [
    `step ${step.toLocaleString('en')} of ${totalSteps.toLocaleString('en')}`,
    `epoch ${epoch.toFixed(2)}`,
    `loss ${loss.toFixed(3)}`,
    ...(Number.isNaN(perplexity) ? [] : [`perplexity ${perplexity.toFixed(2)}`]),
    `${Math.round(symbolsPerSecond).toLocaleString('en')} symbols/s`,
  ]
  if (Number.isFinite(remainingMs)) parts.push(`${describeDuration(remainingMs)} left`)
  return parts.join(' · ')
}

/** What a unit's symbol is called where it is counted. */
export function symbolWord(unit: Unit): string {
  return unit === 'char' ? 'char' : 'symbol'
}

/** `9 s`, `3 min 20 s`, `2 h 05 min` */
export function describeDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}
