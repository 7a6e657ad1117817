/** Where a training stands: what it needs, beside parameters, moments and carry, to go on as if it had never stopped. */
import type { PlateauState, ScheduleState } from '../schedules/schedule.ts'
import { noSteps, type StepSums } from './progress.ts'

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
  const [epoch, window, steps, totalSteps, due] = Array.from(numbers.subarray(0, 5), (number) => {
    return Number.isSafeInteger(number) && number >= 0 ? number : refuse(`${number} is not a count`)
  }) as [number, number, number, number, number]
  const sumsAt = (from: number) =>
    Object.fromEntries(SUMS.map((name, i) => [name, finite(numbers[from + i]!, refuse)])) as unknown as StepSums
  const [rate, best, bad, cooldown] = numbers.subarray(POSITION_LENGTH - 4) as unknown as [
    number,
    number,
    number,
    number,
  ]
  const schedule: PlateauState | null = Number.isNaN(rate)
    ? null
    : { rate, best: Number.isNaN(best) ? null : best, bad, cooldown }
  return {
    epoch,
    window,
    steps,
    totalSteps,
    due: DUES[due] ?? refuse(`${due} is none of what can be due`),
    sinceEntry: sumsAt(5),
    inEpoch: sumsAt(5 + SUMS.length),
    schedule,
  }
}

function finite(number: number, refuse: (problem: string) => never): number {
  return Number.isFinite(number) ? number : refuse(`${number} is not a finite number`)
}
