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
    return examplesAsWindows(examples, count * lanes, (lane) => dealt(from * lanes + lane))
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

/**
 * One example in each of so many lanes, all from zero.
 * @param exampleIn `undefined` = that lane is empty
 */
export function examplesAsWindows(
  { time, starts, lengths }: Examples,
  lanes: number,
  exampleIn: (lane: number) => number | undefined,
): WindowPlan {
  const plan: WindowPlan = { starts: new Uint32Array(lanes), resets: new Uint8Array(lanes).fill(1) }
  const used = new Uint32Array(lanes)
  let whole = lengths === undefined
  for (let lane = 0; lane < lanes; lane++) {
    const example = exampleIn(lane)
    if (example === undefined) {
      whole = false
      continue
    }
    plan.starts[lane] = starts[example]!
    used[lane] = lengths === undefined ? time : lengths[example]!
  }
  return whole ? plan : { ...plan, lengths: used }
}
