/** Reads a training's progress like a stopwatch: warm-up, then steps until enough seconds are over. */
import type { Progress } from 'rnnkit'
import { watchCores } from '../machine.ts'

/** Steps before the measuring: the first, and five to warm up. */
const WARM_UP_STEPS = 6
const LEAST_STEPS = 3

export class StepWatch {
  cores: ReturnType<ReturnType<typeof watchCores>>
  readonly #seconds: number
  readonly #abort = new AbortController()
  /** One for each event. */
  readonly #intervals: { steps: number; milliseconds: number }[] = []
  #first: { step: number; at: number } | undefined
  #last = { step: 0, at: 0 }
  #timing: Progress['stepTiming']
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

  /** Steps measured. */
  get steps(): number {
    return this.#first === undefined ? 0 : this.#last.step - this.#first.step
  }

  /** How the steps were timed. */
  get timing(): NonNullable<Progress['stepTiming']> {
    if (this.#timing === undefined) throw new Error('no step was measured')
    return this.#timing
  }

  /** Milliseconds from the first measured step to the last, for each of them: what lies between steps counts. */
  get wallMilliseconds(): number {
    return (this.#last.at - this.#first!.at) / this.steps
  }

  /** Takes note of an event of the training. */
  readonly see = ({
    step,
    stepMilliseconds,
    stepTiming,
  }: Pick<Progress, 'step' | 'stepMilliseconds' | 'stepTiming'>) => {
    const at = this.#now()
    if (step < WARM_UP_STEPS) return
    if (this.#first === undefined) {
      this.#first = { step, at }
      this.#stopCores = watchCores()
    } else if (step > this.#last.step) {
      this.#intervals.push({ steps: step - this.#last.step, milliseconds: stepMilliseconds })
      this.#timing = stepTiming
    }
    this.#last = { step, at }
    if (at - this.#first.at >= 1000 * this.#seconds && this.steps >= LEAST_STEPS) {
      this.cores ??= this.#stopCores?.()
      this.#abort.abort()
    }
  }

  /** Milliseconds of a step: the median of the events' medians, each counted once for each of its steps. */
  median(): number {
    const sorted = this.#intervals.toSorted((a, b) => a.milliseconds - b.milliseconds)
    let before = 0
    for (const { steps, milliseconds } of sorted) {
      before += steps
      if (2 * before >= this.steps) return milliseconds
    }
    throw new Error('no step was measured')
  }
}
