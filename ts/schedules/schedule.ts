/** What every learning-rate schedule can do, and what of it is kept when a training is interrupted. */

/** What a resumed training needs besides the options; plain JSON, `null` for schedules that depend on the step alone. */
export type ScheduleState = PlateauState | null

/** Of a schedule that goes by the loss. */
export interface PlateauState {
  /** The present learning rate. */
  rate: number
  /** The best loss so far; `null` before the first. */
  best: number | null
  /** Losses in a row that were not better. */
  bad: number
  /** Losses still to come that do not count. */
  cooldown: number
}

export interface Schedule {
  /** The learning rate of a step. With `observe` it is the present rate, whatever the step. */
  rate(step: number): number
  /** Reports a loss; only schedules that depend on losses have it. */
  observe?(loss: number): void
  state(): ScheduleState
  /** Goes on from what `state` gave. @throws ERR_CHECKPOINT_SCHEDULE for anything else */
  restore(state: unknown): void
}
