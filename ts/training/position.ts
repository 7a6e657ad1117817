/** Where a training stands: what it needs, beside parameters, moments and carry, to go on as if it had never stopped. */
import type { PlateauState, ScheduleState } from '../schedules/schedule.ts'
import { noSteps, type StepSums } from './progress.ts'

/** Epochs done, at most: random numbers know an epoch as a u32, and to go on adds to it. */
const MOST_EPOCHS = 2 ** 31
/** A text has fewer symbols, and so fewer windows. */
const MOST_WINDOWS = 2 ** 32 - 1
/** Optimizer steps done, at most: to go on adds to them. */
const MOST_STEPS = 2 ** 52

export type Due = 'nothing' | 'step' | 'epoch'
/** A file has the index. */
const DUES = ['nothing', 'step', 'epoch'] as const satisfies readonly Due[]

export interface Position {
  /** Epochs done. */
  epoch: number
  /** Windows done of the present epoch. */
  window: number
  /** Optimizer steps done. */
  steps: number
  /** Steps that were planned: what a schedule stretches to. */
  totalSteps: number
  /** The last step was done, but not yet what was due after it: scores, samples, the history's entry; also an epoch's. */
  due: Due
  /** Since the history's last entry. */
  sinceEntry: StepSums
  /** Since the epoch began. */
  inEpoch: StepSums
  schedule: ScheduleState
}

export function startPosition(): Position {
  return {
    epoch: 0,
    window: 0,
    steps: 0,
    totalSteps: 0,
    due: 'nothing',
    sinceEntry: noSteps(),
    inEpoch: noSteps(),
    schedule: null,
  }
}

/** Goes on with another text: positions within the old one mean nothing there. What is due stays, and an ended epoch's sums with it. */
export function onNewText(position: Position): Position {
  return { ...position, epoch: 0, window: 0, inEpoch: position.due === 'epoch' ? position.inEpoch : noSteps() }
}

/** Goes on with windows of another shape or order, which begin with an epoch: a begun one is left. */
export function onNewWindows(position: Position): Position {
  if (position.window === 0) return position
  return { ...position, epoch: position.epoch + 1, window: 0, inEpoch: noSteps() }
}

const SUMS = ['steps', 'lossSum', 'nats', 'count', 'normSum', 'clipped'] as const
/** The first numbers of a position, and the greatest they can be in a file, so that a training can go on from there. */
const COUNTS = [
  ['epoch', MOST_EPOCHS],
  ['window', MOST_WINDOWS],
  ['steps', MOST_STEPS],
  ['the planned steps', Number.MAX_SAFE_INTEGER],
  ['what is due', DUES.length - 1],
] as const
/** Numbers of a position in a file. */
export const POSITION_LENGTH = 5 + 2 * SUMS.length + 4

/** [POSITION_LENGTH]; NaN where there is no such number. */
export function positionToNumbers(position: Position): Float64Array {
  const { epoch, window, steps, totalSteps, due, schedule } = position
  const sums = [position.sinceEntry, position.inEpoch].flatMap((part) => SUMS.map((name) => part[name]))
  const plateau = [schedule?.rate, schedule?.best, schedule?.bad, schedule?.cooldown]
  return Float64Array.from([
    epoch,
    window,
    steps,
    totalSteps,
    DUES.indexOf(due),
    ...sums,
    ...plateau.map((x) => x ?? Number.NaN),
  ])
}

/** @param refuse is called with what is wrong, and throws */
export function positionFromNumbers(numbers: Float64Array, refuse: (problem: string) => never): Position {
  if (numbers.length !== POSITION_LENGTH) refuse(`it has ${numbers.length} numbers, not ${POSITION_LENGTH}`)
  const [epoch, window, steps, totalSteps, due] = COUNTS.map(([name, most], i) => {
    const number = numbers[i]!
    const within = Number.isSafeInteger(number) && number >= 0 && number <= most
    return within ? number : refuse(`${name} is ${number}, not a whole number from 0 to ${most}`)
  }) as [number, number, number, number, number]
  const sumsAt = (from: number) => sumsFromNumbers(numbers.subarray(from, from + SUMS.length), steps, refuse)
  return {
    epoch,
    window,
    steps,
    totalSteps,
    due: DUES[due]!,
    sinceEntry: sumsAt(5),
    inEpoch: sumsAt(5 + SUMS.length),
    schedule: plateauFromNumbers(numbers.subarray(POSITION_LENGTH - 4), refuse),
  }
}

function sumsFromNumbers(numbers: Float64Array, steps: number, refuse: (problem: string) => never): StepSums {
  const sums = Object.fromEntries(SUMS.map((name, i) => [name, numbers[i]!])) as unknown as StepSums
  for (const name of SUMS) {
    const whole = name === 'steps' || name === 'count' || name === 'clipped'
    const sum = sums[name]
    if (!(Number.isFinite(sum) && sum >= 0 && (!whole || Number.isSafeInteger(sum)))) {
      refuse(`a sum, ${name}, is ${sum}, not ${whole ? 'a whole' : 'a finite'} number of at least 0`)
    }
  }
  if (sums.steps > steps || sums.clipped > sums.steps) refuse('a sum is over more steps than were done')
  return sums
}

/** What it holds is for the schedule to judge; here it is there as a whole or not at all. */
function plateauFromNumbers(numbers: Float64Array, refuse: (problem: string) => never): PlateauState | null {
  const [rate, best, bad, cooldown] = numbers as unknown as [number, number, number, number]
  if (!Number.isNaN(rate)) return { rate, best: Number.isNaN(best) ? null : best, bad, cooldown }
  return numbers.every(Number.isNaN) ? null : refuse('a part of the state of the schedule is missing')
}
