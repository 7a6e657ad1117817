/** Plans windows over a list of examples, each of which starts from zero: every example once an epoch, or drawn with replacement. */
import { integer } from '../options/check.ts'
import { below, childKey, permutation, streamKey } from '../random.ts'
import type { BatchPlan } from './plan.ts'
import type { WindowPlan } from './types.ts'

export type ExampleOrder = 'shuffled' | 'ordered' | 'sampled'

/** Where examples lie in the data. */
export interface Examples {
  /** T: time steps of a window, the longest example's. */
  readonly time: number
  /** [examples] position of each one's first time step. */
  readonly starts: Uint32Array
  /** [examples] time steps of each; `undefined` = T of all. */
  readonly lengths: Uint32Array | undefined
}

export interface ExamplePlanOptions {
  readonly order: ExampleOrder
  /** Lanes in a window (N). */
  readonly lanes: number
  /** Integer in [0, 2^53). */
  readonly seed: number
}

/** Child of an epoch's key, as text's windows have it. */
const ORDER = 1

/**
 * An epoch has as many windows as it takes: in the last one of the orders 'shuffled' and 'ordered', lanes without an example have length 0
 * and are not predicted.
 */
export function createExamplePlan(examples: Examples, options: ExamplePlanOptions): BatchPlan {
  const { lanes } = options
  const total = Math.ceil(examples.starts.length / lanes)
  let latest: { epoch: number; example: (place: number) => number | undefined } | undefined
  const dealtIn = (epoch: number) => {
    if (latest?.epoch !== epoch) latest = { epoch, example: dealing(examples.starts.length, options, epoch) }
    return latest.example
  }
  const windows = (epoch: number, from: number, count: number): WindowPlan => {
    integer('from', from, { min: 0, max: total })
    integer('count', count, { min: 0, max: total - from })
    const dealt = dealtIn(epoch)
    return examplesAsWindows(
      examples,
      Array.from({ length: count * lanes }, (_, i) => dealt(from * lanes + i)),
    )
  }
  return {
    windowsIn: () => total,
    offsetIn: () => 0,
    windows,
    window: (epoch, index) => windows(epoch, index, 1),
  }
}

/** The example at each place of an epoch. */
function dealing(count: number, { order, seed }: ExamplePlanOptions, epoch: number) {
  const key = childKey(streamKey(seed, 'batches', epoch), ORDER)
  const unlessOver = (example: (place: number) => number) => (place: number) =>
    place < count ? example(place) : undefined
  switch (order) {
    case 'ordered':
      return unlessOver((place) => place)
    case 'shuffled': {
      const permuted = permutation(key, count)
      return unlessOver((place) => permuted[place]!)
    }
    case 'sampled':
      return (place: number) => below(key, place, count)
  }
}

/** One lane for each of the chosen examples, all from zero; a lane without an example is empty. */
export function examplesAsWindows(
  { time, starts, lengths }: Examples,
  chosen: readonly (number | undefined)[],
): WindowPlan {
  const plan: WindowPlan = {
    starts: Uint32Array.from(chosen, (example) => (example === undefined ? 0 : starts[example]!)),
    resets: new Uint8Array(chosen.length).fill(1),
  }
  if (lengths === undefined && !chosen.includes(undefined)) return plan
  const lengthOf = (example: number | undefined) => (example === undefined ? 0 : (lengths?.[example] ?? time))
  return { ...plan, lengths: Uint32Array.from(chosen, lengthOf) }
}
