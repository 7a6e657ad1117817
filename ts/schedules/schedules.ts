/** Learning-rate schedules: the rate of each optimizer step, counted from 0. */
import { RnnKitError } from '../errors.ts'
import { describe } from '../options/check.ts'
import type { NormalSchedule, ScheduleFunction } from '../options/schedule.ts'
import { createPlateau } from './plateau.ts'
import type { Schedule } from './schedule.ts'

export interface ScheduleSetting {
  /** The optimizer's learning rate, from which the schedule starts. */
  learningRate: number
  /** Planned optimizer steps: the default of `total`. */
  totalSteps: number
}

/** @throws ERR_INVALID_OPTION when `minLearningRate` is above the learning rate */
export function createSchedule(schedule: NormalSchedule, setting: ScheduleSetting): Schedule {
  if ('minLearningRate' in schedule && schedule.minLearningRate > setting.learningRate) {
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `schedule.minLearningRate is ${schedule.minLearningRate}: it must be at most the learning rate, ${setting.learningRate}`,
      field: 'schedule.minLearningRate',
      value: schedule.minLearningRate,
    })
  }
  if (schedule.kind === 'reduceOnPlateau') return createPlateau(schedule, setting.learningRate)
  const rate = rateFunction(schedule, setting)
  return { rate, state: () => null, restore: refuseState }
}

function refuseState(state: unknown): void {
  if (state === null) return
  const message = `schedule state is ${describe(state)}: it must be null, for this schedule keeps none`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_SCHEDULE', message, field: 'schedule', value: state })
}

type StatelessSchedule = Exclude<NormalSchedule, { kind: 'reduceOnPlateau' }>

function rateFunction(schedule: StatelessSchedule, { learningRate, totalSteps }: ScheduleSetting): ScheduleFunction {
  if (schedule.kind === 'function') return checkedRate(schedule.field, schedule.rate)
  const { warmup } = schedule
  const after = afterWarmup(schedule, learningRate, totalSteps)
  return (step) => (step < warmup ? (learningRate * (step + 1)) / warmup : after(step - warmup))
}

/** The rate `t` steps after the warm-up. */
function afterWarmup(
  schedule: Exclude<StatelessSchedule, { kind: 'function' }>,
  learningRate: number,
  totalSteps: number,
): (t: number) => number {
  switch (schedule.kind) {
    case 'constant':
      return () => learningRate
    case 'step':
      return (t) => learningRate * schedule.gamma ** Math.floor(t / schedule.stepSize)
    case 'exponential':
      return (t) => learningRate * schedule.gamma ** t
    case 'cosine':
    case 'linear': {
      if (schedule.kind === 'linear' && schedule.after === 'constant') return () => learningRate
      const steps = (schedule.total ?? totalSteps) - schedule.warmup
      const height = schedule.kind === 'cosine' ? cosineHeight : linearHeight
      const low = schedule.minLearningRate
      return (t) => (t < steps ? low + (learningRate - low) * height(t / steps) : low)
    }
  }
}

/** From 1 down to 0 along half a cosine wave, over `progress` from 0 to 1. */
function cosineHeight(progress: number): number {
  return (1 + Math.cos(Math.PI * progress)) / 2
}

function linearHeight(progress: number): number {
  return 1 - progress
}

function checkedRate(field: string, rate: ScheduleFunction): ScheduleFunction {
  return (step) => {
    const value: unknown = called(field, rate, step)
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `${field}(${step}) returned ${describe(value)}: it must return a finite number of at least 0`,
      field,
      value,
    })
  }
}

function called(field: string, rate: ScheduleFunction, step: number): unknown {
  try {
    return rate(step)
  } catch (cause) {
    const message = `${field}(${step}) threw: it must return a finite number of at least 0`
    throw new RnnKitError({ code: 'ERR_INVALID_OPTION', message, field, cause })
  }
}
