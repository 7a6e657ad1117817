/** Plans, runs, reports, scores and ends a training: once, for every kind of model. */
import type { BatchPlan } from '../batches/index.ts'
import { defined } from '../defined.ts'
import { isDeviceError, isRnnKitError, type RnnKitError } from '../errors.ts'
import { type LossReport, median, SpeedMeter } from '../metrics.ts'
import type { Timing, TrainedCall, TrainingRequest } from '../native/engine-session.ts'
import type { Turns } from '../native/turns.ts'
import type { Cadence } from '../options/cadence.ts'
import type { Schedule, ScheduleState } from '../schedules/schedule.ts'
import type { Position } from './position.ts'
import {
  addStep,
  HISTORY_STEPS,
  type HistoryEntry,
  measuresOf,
  noSteps,
  type Progress,
  type Sample,
  type StepSums,
} from './progress.ts'
import { carryingModel, nonFinite, withoutRate } from './training-error.ts'

/** Something that is made from the model now and then, and at the end. */
export interface Recurring<T> {
  /** `undefined`: at the end alone. */
  readonly every: Cadence | undefined
  readonly make: (signal: AbortSignal | undefined) => Promise<T>
}

export interface TrainingJob<Model> {
  readonly model: Model
  /** One call of the engine. */
  readonly train: (windows: TrainingWindows, signal: AbortSignal | undefined) => Promise<TrainedCall>
  readonly turns: Turns
  readonly batches: BatchPlan
  /** N times T. */
  readonly symbolsOfStep: number
  /** Whether the loss is cross-entropy, of which perplexity is made. */
  readonly classifier: boolean
  readonly schedule: Schedule
  /** Moves with every step; agrees with the session whenever it is another's turn. */
  readonly position: Position
  /** Grows. */
  readonly history: HistoryEntry[]
  /** `position.steps` at the end. */
  readonly endStep: number
  readonly maxSeconds: number
  readonly validation: Recurring<LossReport> | undefined
  readonly test: Recurring<LossReport> | undefined
  readonly samples: Recurring<Sample[]> | undefined
  readonly onProgress: ((progress: Progress<Model>) => unknown) | undefined
  readonly signal: AbortSignal | undefined
  /** Milliseconds that one call of the engine should take. */
  readonly callMs: number
  /** Of a training on a device that may be lost. Something is kept already when the training begins. */
  readonly protection: Protection | undefined
}

export type TrainingWindows = Pick<TrainingRequest, 'starts' | 'resets' | 'lengths' | 'learningRates'>

/** Each is called in a turn of its own. */
export interface Protection {
  /** Milliseconds from one `keep` to the next. */
  readonly everyMs: number
  /** Keeps everything as it is. */
  keep(): Promise<void>
  /** Puts everything, position and history too, back to what was kept last. What it throws ends the training. */
  recover(failure: RnnKitError): Promise<void>
}

/** Milliseconds between two events where nothing else makes one. */
const QUIET_MS = 50
/** Windows in one call, however short they are. */
const MOST_WINDOWS = 2048

/**
 * Trains until `endStep` or `maxSeconds`. What comes out depends neither on how many windows a call has nor on time (but
 * for `maxSeconds`).
 * @throws TrainingError ERR_ABORTED, ERR_NON_FINITE or what `protection` throws; whatever `onProgress` throws; ERR_DISPOSED
 */
export async function runTraining<Model>(job: TrainingJob<Model>): Promise<void> {
  await new TrainingRun(job).run()
}

/** Carries what `onProgress` threw past the handling of other errors. */
class ListenerFailure {
  readonly error: unknown

  constructor(error: unknown) {
    this.error = error
  }
}

class TrainingRun<Model> {
  readonly #job: TrainingJob<Model>
  readonly #speed = new SpeedMeter()
  /** Windows of the next call, if nothing is due before. */
  #windows = 1
  #sinceEvent: StepSums = noSteps()
  /** Milliseconds of each step since the last event. */
  #stepTimes: number[] = []
  #timing: Timing | undefined
  #lastEventMs = 0
  #lastStep = { learningRate: Number.NaN, gradientNorm: Number.NaN }
  #ended = false
  #keptMs = 0
  /** Of the schedule, before a loss that it goes by. */
  readonly #firstState: ScheduleState

  constructor(job: TrainingJob<Model>) {
    this.#job = job
    this.#firstState = job.schedule.state()
  }

  async run(): Promise<void> {
    const { model, position, signal } = this.#job
    try {
      await carryingModel(
        model,
        () => position.steps,
        signal,
        () => this.#survive(),
      )
    } catch (error) {
      throw error instanceof ListenerFailure ? error.error : error
    }
  }

  /** Runs to the end, however often the device is lost on the way. */
  async #survive(): Promise<void> {
    for (let ended = false; !ended; ) {
      try {
        await this.#run()
        ended = true
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  /** Goes back to what was kept last, if the device failed; a listener that used the model may be the first to notice. */
  async #recover(error: unknown): Promise<void> {
    const { protection, turns, schedule, position, signal } = this.#job
    const failure = error instanceof ListenerFailure ? error.error : error
    if (protection === undefined || !isDeviceError(failure)) throw error
    // The lack of room that a listener met may be any other model's.
    if (error instanceof ListenerFailure && failure.code === 'ERR_MEMORY') throw error
    await turns.take(() => protection.recover(failure), signal)
    schedule.restore(position.schedule ?? this.#firstState)
    this.#sinceEvent = noSteps()
    this.#stepTimes = []
    this.#windows = 1
    this.#ended = false
    this.#speed.resume()
  }

  async #run(): Promise<void> {
    const { position, schedule } = this.#job
    if (position.due !== 'nothing') {
      // What was due when an earlier training was interrupted.
      this.#lastStep.learningRate = schedule.rate(position.steps - 1)
      await this.#afterCall()
    }
    while (!this.#ended) {
      await this.#call()
      await this.#afterCall()
      await this.#keepIfDue()
    }
  }

  /** At the end too: what was trained outlives a device that is lost later. */
  async #keepIfDue(): Promise<void> {
    const { protection, turns, signal } = this.#job
    if (protection === undefined) return
    if (!this.#ended && this.#speed.elapsedMs - this.#keptMs < protection.everyMs) return
    await turns.take(() => protection.keep(), signal)
    this.#keptMs = this.#speed.elapsedMs
  }

  /** One call of the engine, and what it did taken into the position, while nobody else has the session. */
  async #call(): Promise<void> {
    const { turns, train, batches, position, signal } = this.#job
    await turns.take(async () => {
      const learningRates = this.#learningRates(this.#plannedWindows())
      const count = learningRates.length
      const windows = batches.windows(position.epoch, position.window, count)
      const clock = performance.now()
      const call = await train({ ...windows, learningRates }, signal)
      this.#pace(call, performance.now() - clock)
      this.#takeIn(call, learningRates)
    }, signal)
  }

  /** The rates of the next `count` steps, or of those before the first for which the schedule has none. */
  #learningRates(count: number): Float64Array {
    const { model, schedule, position } = this.#job
    const rates = new Float64Array(count)
    for (let k = 0; k < count; k++) {
      try {
        rates[k] = schedule.rate(position.steps + k)
      } catch (error) {
        if (k > 0) return rates.slice(0, k)
        throw isRnnKitError(error) ? withoutRate(model, position.steps, error) : error
      }
    }
    return rates
  }

  /** As many windows as the pace allows, up to where something is due. */
  #plannedWindows(): number {
    const { batches, position, endStep } = this.#job
    const leftInEpoch = batches.windowsIn(position.epoch) - position.window
    const due = this.#recurring().map(({ every }) =>
      every?.unit === 'steps' ? every.every - (position.steps % every.every) : Number.POSITIVE_INFINITY,
    )
    return Math.min(this.#windows, leftInEpoch, endStep - position.steps, ...due)
  }

  #recurring(): Recurring<unknown>[] {
    const { validation, test, samples } = this.#job
    return [validation, test, samples].filter((one) => one !== undefined)
  }

  #takeIn(call: TrainedCall, learningRates: Float64Array): void {
    const { model, position, history, symbolsOfStep, signal } = this.#job
    this.#timing = call.timing
    for (let k = 0; k < call.applied; k++) {
      this.#takeInStep(call, k, learningRates[k]!)
      const last = k === learningRates.length - 1
      if (last) position.due = position.window === 0 ? 'epoch' : 'step'
      else if (position.steps % HISTORY_STEPS === 0) history.push(this.#entry())
    }
    this.#speed.add(call.applied, call.applied * symbolsOfStep)
    if (call.nonFinite[call.applied] === 1) throw nonFinite(model, position.steps)
    if (call.aborted) throw signal?.reason
  }

  #takeInStep(call: TrainedCall, k: number, learningRate: number): void {
    const { position, batches } = this.#job
    const gradientNorm = call.gradientNorms[k]!
    const report = {
      loss: call.losses[k]!,
      nats: call.nats[k]!,
      count: call.counts[k]!,
      gradientNorm,
      clipped: call.clipped[k] === 1,
    }
    for (const sums of [position.sinceEntry, position.inEpoch, this.#sinceEvent]) addStep(sums, report)
    this.#stepTimes.push(call.milliseconds[k]!)
    this.#lastStep = { learningRate, gradientNorm }
    position.steps++
    position.window++
    if (position.window === batches.windowsIn(position.epoch)) {
      position.epoch++
      position.window = 0
    }
  }

  /**
   * Sets the next call's windows so that it takes about `callMs`; at most twice as many as before.
   * @param elapsed milliseconds of the call as a whole: a GPU does its windows when all are recorded, so each by itself says nothing
   */
  #pace({ applied }: TrainedCall, elapsed: number): void {
    const { callMs } = this.#job
    const mean = elapsed / Math.max(1, applied)
    const wanted = Math.floor(callMs / Math.max(mean, 1e-3))
    this.#windows = Math.max(1, Math.min(wanted, 2 * this.#windows, MOST_WINDOWS))
  }

  /** Makes what is due after the last step, writes the history and tells of it. */
  async #afterCall(): Promise<void> {
    const { validation, test, samples, position } = this.#job
    this.#ended = position.steps >= this.#job.endStep || this.#speed.elapsedMs >= this.#job.maxSeconds * 1000
    this.#speed.pause()
    const made = {
      validation: await this.#madeIfDue(validation),
      test: await this.#madeIfDue(test),
      samples: await this.#madeIfDue(samples),
    }
    this.#speed.resume()
    // From here to the event nothing waits: an interrupted training either finds all of this done or none.
    this.#observe(made.validation)
    const scores = defined({ validation: made.validation, test: made.test })
    const noted =
      position.steps % HISTORY_STEPS === 0 || this.#epochEnded || this.#ended || Object.keys(scores).length > 0
    if (noted && position.sinceEntry.steps > 0) this.#job.history.push({ ...this.#entry(), ...scores })
    if (this.#epochEnded) position.inEpoch = noSteps()
    position.due = 'nothing'
    const telling = this.#ended || Object.values(made).some((one) => one !== undefined)
    if (telling || this.#speed.elapsedMs - this.#lastEventMs >= QUIET_MS) {
      await this.#tell(defined({ ...scores, samples: made.samples }))
    }
  }

  get #epochEnded(): boolean {
    return this.#job.position.due === 'epoch'
  }

  #isDue(every: Cadence | undefined): boolean {
    const { position } = this.#job
    if (every === undefined) return false
    if (every.unit === 'steps') return position.steps % every.every === 0
    return this.#epochEnded && position.epoch % every.every === 0
  }

  async #madeIfDue<T>(recurring: Recurring<T> | undefined): Promise<T | undefined> {
    if (recurring === undefined || !(this.#ended || this.#isDue(recurring.every))) return undefined
    return await recurring.make(this.#job.signal)
  }

  /** Lets a schedule see the validation loss, or each epoch's where there is none; never one that only the end brought about. */
  #observe(validation: LossReport | undefined): void {
    const { schedule, position } = this.#job
    if (this.#job.validation === undefined) {
      if (this.#epochEnded) schedule.observe?.(this.#measuresOf(position.inEpoch).loss)
    } else if (validation !== undefined && this.#isDue(this.#job.validation.every)) {
      schedule.observe?.(validation.loss)
    }
    position.schedule = schedule.state()
  }

  /** The history's next entry; begins the sums of the one after it. */
  #entry(): HistoryEntry {
    const { position } = this.#job
    const entry = {
      step: position.steps,
      epoch: this.#epochs(),
      ...this.#measuresOf(position.sinceEntry),
      learningRate: this.#lastStep.learningRate,
    }
    position.sinceEntry = noSteps()
    return entry
  }

  #measuresOf(sums: StepSums) {
    return measuresOf(sums, this.#job.classifier)
  }

  #epochs(): number {
    const { position, batches } = this.#job
    return position.epoch + position.window / batches.windowsIn(position.epoch)
  }

  async #tell(made: Pick<Progress, 'validation' | 'test' | 'samples'>): Promise<void> {
    const { model, onProgress, position, endStep, maxSeconds } = this.#job
    const sums = this.#sinceEvent
    const stepTimes = this.#stepTimes
    this.#sinceEvent = noSteps()
    this.#stepTimes = []
    this.#lastEventMs = this.#speed.elapsedMs
    const symbolsPerSecond = this.#speed.takeSymbolsPerSecond()
    if (onProgress === undefined) return
    const elapsedMs = this.#speed.elapsedMs
    const byTime = Math.max(0, maxSeconds * 1000 - elapsedMs)
    const progress: Progress<Model> = {
      model,
      step: position.steps,
      totalSteps: endStep,
      epoch: this.#epochs(),
      ...this.#measuresOf(sums),
      ...this.#lastStep,
      symbolsPerSecond,
      stepMilliseconds: median(stepTimes),
      ...defined({ stepTiming: this.#timing }),
      elapsedMs,
      remainingMs: this.#ended ? 0 : Math.min(this.#speed.remainingMs(endStep - position.steps), byTime),
      ...made,
    }
    try {
      await onProgress(progress)
    } catch (error) {
      throw new ListenerFailure(error)
    }
  }
}
