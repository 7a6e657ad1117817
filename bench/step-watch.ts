/** Reads a training's progress like a stopwatch: first step, warm-up, then intervals until enough seconds are over. */
import { secondsSinceProcessStart, watchCores } from './machine.ts'

/** Steps before the measuring: the first, and five to warm up. */
const WARM_UP_STEPS = 6
const LEAST_STEPS = 3

export class StepWatch {
  /** Seconds from the start of the process to the first report. */
  firstStep = Number.NaN
  cores: ReturnType<ReturnType<typeof watchCores>>
  readonly #seconds: number
  readonly #abort = new AbortController()
  readonly #intervals: { steps: number; milliseconds: number }[] = []
  #last: { step: number; at: number } | undefined
  #startedAt = 0
  #stopCores: ReturnType<typeof watchCores> | undefined
  readonly #now: () => number

  /** @param now milliseconds */
  constructor(seconds: number, now: () => number = () => performance.now()) {
    this.#seconds = seconds
    this.#now = now
  }

  /** Raised when enough was measured. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get steps(): number {
    return this.#intervals.reduce((sum, { steps }) => sum + steps, 0)
  }

  /** Takes note of a report that `step` steps are done. */
  see({ step }: { step: number }): void {
    const at = this.#now()
    if (Number.isNaN(this.firstStep)) this.firstStep = secondsSinceProcessStart()
    if (step < WARM_UP_STEPS) return
    if (this.#last === undefined) {
      this.#startedAt = at
      this.#stopCores = watchCores()
    } else if (step > this.#last.step) {
      this.#intervals.push({ steps: step - this.#last.step, milliseconds: at - this.#last.at })
    }
    this.#last = { step, at }
    if (at - this.#startedAt >= 1000 * this.#seconds && this.steps >= LEAST_STEPS) {
      this.cores ??= this.#stopCores?.()
      this.#abort.abort()
    }
  }

  /** Milliseconds of a step: over the intervals between reports, each counted once for each of its steps. */
  median(): number {
    const sorted = this.#intervals
      .map(({ steps, milliseconds }) => ({ steps, each: milliseconds / steps }))
      .sort((a, b) => a.each - b.each)
    let before = 0
    for (const { steps, each } of sorted) {
      before += steps
      if (2 * before >= this.steps) return each
    }
    throw new Error('no step was measured')
  }
}
