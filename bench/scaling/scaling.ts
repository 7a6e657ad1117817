/** `scaling`: what a step takes as sizes grow, and the power of the size that fits it best. */
import type { ScalingArguments } from '../arguments.ts'
import type { Measured } from '../measured.ts'
import { measureInOwnProcess } from '../own-process.ts'
import type { Setting } from '../setting.ts'
import { AXES, type Axis, exponent } from './axes.ts'

const WIDTHS = { name: 22, value: 22, exponent: 10, work: 8 }

/** Prints a row for each size that is varied. @returns whether all was measured */
export async function measureScaling({ setting, rounds, json }: ScalingArguments): Promise<boolean> {
  let complete = true
  if (!json)
    console.log(`${'varied'.padEnd(WIDTHS.name)}${'value: ms a step'.padEnd(4 * WIDTHS.value)}  exponent    work`)
  for (const axis of AXES) {
    const times = await timesOf(axis, setting, rounds)
    if (times === undefined) {
      console.error(`bench: ${axis.name} could not be measured`)
      complete = false
      continue
    }
    console.log(json ? JSON.stringify(result(axis, times)) : row(axis, times))
  }
  return complete
}

/** Milliseconds of a step by the wall clock, for each point: in the shortest round, for what else the machine does only makes it longer. */
async function timesOf({ name, points }: Axis, setting: Setting, rounds: number): Promise<number[] | undefined> {
  const times = points.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < rounds; round++) {
    for (const [at, { value, workload, windows }] of points.entries()) {
      const job = { id: `${name} ${value}`, workload, windows, setting }
      const measured = await measureInOwnProcess<Measured>('workload', job)
      if (measured === undefined) return undefined
      times[at] = Math.min(times[at]!, measured.wall_ms_per_step)
    }
  }
  return times
}

function result({ name, points, work }: Axis, times: readonly number[]) {
  return { varied: name, values: points.map(({ value }) => value), ms: times, exponent: fitted(points, times), work }
}

function fitted(points: Axis['points'], times: readonly number[]): number {
  return exponent(points.map(({ value }, at) => [value, times[at]!]))
}

function row({ name, points, work }: Axis, times: readonly number[]): string {
  const cells = points.map(({ value }, at) =>
    `${value.toLocaleString('en')}: ${times[at]!.toFixed(3)}`.padEnd(WIDTHS.value),
  )
  const power = fitted(points, times).toFixed(2).padStart(WIDTHS.exponent)
  return `${name.padEnd(WIDTHS.name)}${cells.join('')}${power}${work.toFixed(2).padStart(WIDTHS.work)}`
}
