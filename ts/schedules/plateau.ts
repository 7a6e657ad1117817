/**
 * Reduces the learning rate when the loss no longer gets better, after PyTorch's `ReduceLROnPlateau` (mode 'min') or
 * Keras's callback of that name; where the two differ, each to the letter.
 */
import { RnnKitError } from '../errors.ts'
import { integer, real, record } from '../options/check.ts'
import type { PlateauSchedule } from '../options/schedule.ts'
import type { PlateauState, Schedule } from './schedule.ts'

type Options = Required<PlateauSchedule>

export function createPlateau(options: Options, learningRate: number): Schedule {
  let state: PlateauState = { rate: learningRate, best: null, bad: 0, cooldown: 0 }
  const observe = options.flavour === 'keras' ? observeKeras : observePyTorch
  return {
    rate: () => state.rate,
    observe: (loss) => {
      state = observe(options, state, loss)
    },
    state: () => ({ ...state }),
    restore: (stored) => {
      state = checkedState(stored)
    },
  }
}

/** A loss is judged first, a cool-down then forgives it, and more than `patience` bad ones reduce the rate. */
function observePyTorch(options: Options, before: PlateauState, loss: number): PlateauState {
  const state = { ...before }
  if (isBetterPyTorch(options, state.best ?? Number.POSITIVE_INFINITY, loss)) {
    state.best = loss
    state.bad = 0
  } else {
    state.bad++
  }
  if (state.cooldown > 0) {
    state.cooldown--
    state.bad = 0
  }
  if (state.bad > options.patience) {
    const reduced = Math.max(state.rate * options.factor, options.minLearningRate)
    if (state.rate - reduced > options.epsilon) state.rate = reduced
    state.cooldown = options.cooldown
    state.bad = 0
  }
  return state
}

function isBetterPyTorch({ threshold, thresholdMode }: Options, best: number, loss: number): boolean {
  return loss < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold)
}

/** The cool-down is counted first, and the `patience`-th bad loss already reduces the rate, unless it is at its least. */
function observeKeras(options: Options, before: PlateauState, loss: number): PlateauState {
  const state = { ...before }
  if (state.cooldown > 0) {
    state.cooldown--
    state.bad = 0
  }
  if (loss < (state.best ?? Number.POSITIVE_INFINITY) - options.minDelta) {
    state.best = loss
    state.bad = 0
  } else if (state.cooldown === 0) {
    state.bad++
    if (state.bad >= options.patience && state.rate > options.minLearningRate) {
      state.rate = Math.max(state.rate * options.factor, options.minLearningRate)
      state.cooldown = options.cooldown
      state.bad = 0
    }
  }
  return state
}

function checkedState(stored: unknown): PlateauState {
  try {
    const given = record('schedule', stored, ['rate', 'best', 'bad', 'cooldown'])
    return {
      rate: real('schedule.rate', given.rate, { min: 0 }),
      best: given.best === null ? null : real('schedule.best', given.best),
      bad: integer('schedule.bad', given.bad, { min: 0 }),
      cooldown: integer('schedule.cooldown', given.cooldown, { min: 0 }),
    }
  } catch (cause) {
    const { message, field, value } = cause as RnnKitError
    throw new RnnKitError({ code: 'ERR_CHECKPOINT_SCHEDULE', message, field, value, cause })
  }
}
