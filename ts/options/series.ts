/** A series of numbers as it is given: one number a step, or several features. */
import { isList, refuse } from './check.ts'

/**
 * Finite numbers in the order of time: one a step; a flat array of `features` numbers a step; or a list with an array of numbers for each
 * step.
 */
export type SeriesOptions = Float32Array | Float64Array | readonly number[] | readonly (readonly number[])[]

/** A series whose every number is finite. */
export interface Series {
  /** The option that had it. */
  readonly field: string
  /** Numbers a step, E. */
  readonly features: number
  readonly steps: number
  /** [steps, E]; a copy. */
  readonly values: Float64Array
}

/** @param features numbers a step; `undefined` = as the series itself says, one for a flat one */
export function seriesOption(field: string, value: unknown, features: number | undefined): Series {
  const rows = isList(value) && isList(value[0])
  const flat = rows ? flattened(field, value) : flatNumbers(field, value)
  const width = features ?? (rows ? flat.width : 1)
  if (rows && flat.width !== width) refuse(`${field}[0].length`, flat.width, `${width}, the features of a step`)
  const steps = flat.values.length / width
  if (!Number.isInteger(steps)) {
    refuse(`${field}.length`, flat.values.length, `a multiple of ${width}, the features of a step`)
  }
  const wrong = flat.values.findIndex((number) => !Number.isFinite(number))
  if (wrong >= 0) {
    const [step, feature] = [Math.floor(wrong / width), wrong % width]
    const place = rows ? `${field}[${step}][${feature}]` : `${field}[${wrong}]`
    refuse(place, flat.found(wrong), `a finite number (step ${step}): fill gaps before, or leave such steps out`)
  }
  return { field, features: width, steps, values: flat.values }
}

interface Flat {
  readonly values: Float64Array
  readonly width: number
  /** What stood there. */
  found(index: number): unknown
}

function flatNumbers(field: string, value: unknown): Flat {
  const typed = value instanceof Float32Array || value instanceof Float64Array
  if (!typed && !isList(value)) {
    return refuse(field, value, 'an array of numbers, or of one array of numbers a step')
  }
  const list = value as ArrayLike<unknown>
  const values = Float64Array.from({ length: list.length }, (_, i) => numberOrNaN(list[i]))
  return { values, width: 1, found: (index) => list[index] }
}

function flattened(field: string, rows: readonly unknown[]): Flat {
  const width = (rows[0] as readonly unknown[]).length
  if (width === 0) refuse(`${field}[0]`, rows[0], 'at least one number')
  const values = new Float64Array(rows.length * width)
  for (const [step, row] of rows.entries()) {
    if (!isList(row)) return refuse(`${field}[${step}]`, row, `an array of ${width} numbers, as step 0 is`)
    if (row.length !== width) refuse(`${field}[${step}].length`, row.length, `${width}, as of step 0`)
    values.set(Float64Array.from(row, numberOrNaN), step * width)
  }
  return { values, width, found: (index) => (rows[Math.floor(index / width)] as readonly unknown[])[index % width] }
}

/** What is no number is found with what is not finite. */
function numberOrNaN(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN
}
