/** Plans which windows of the text an epoch consists of, in any order; a pure function of seed, epoch and window. */
import { RnnKitError } from '../errors.ts'
import { integer } from '../options/check.ts'
import { below, childKey, streamKey } from '../random.ts'
import { consecutiveStarts } from './consecutive.ts'
import { orderedStarts } from './ordered.ts'
import { sampledStarts } from './sampled.ts'
import { shuffledStarts } from './shuffled.ts'
import {
  type BatchOrder,
  type EpochShape,
  type ResetCarry,
  type StartOf,
  type WindowPlan,
  windowsPerEpoch,
} from './types.ts'

export interface BatchPlanOptions {
  order: BatchOrder
  /** Symbols in the training text (n). */
  symbols: number
  /** Lanes in a window (N). */
  lanes: number
  /** Symbols that each lane predicts in a window (T). */
  unroll: number
  /** Symbols left out at the beginning: a fixed number, or 0 … T-1 drawn for each epoch. */
  offset: number | 'random'
  /** Integer in [0, 2^53). */
  seed: number
  /**
   * Of consecutive windows: whether lanes start from zero carry at the beginning of the first epoch alone ('never' again), of each epoch,
   * or of each window ('batch'). In any other order each window starts from zero. Left out: 'epoch'.
   */
  resetCarry?: ResetCarry
}

/** The windows of every epoch (counted from 0, u32). */
export interface BatchPlan {
  /** Windows in this epoch; with a random offset it may vary by one. */
  windowsIn(epoch: number): number
  /** Symbols left out at the beginning in this epoch. */
  offsetIn(epoch: number): number
  /** `count` windows from window `from` of the epoch on. @throws ERR_INVALID_OPTION beyond the epoch's end */
  windows(epoch: number, from: number, count: number): WindowPlan
  /** One window: `windows(epoch, index, 1)`. */
  window(epoch: number, index: number): WindowPlan
}

/** Children of an epoch's key. */
const OFFSET = 0
const ORDER = 1

/**
 * A plan that keeps what it worked out for the latest epoch, so that asking window by window costs no more.
 * @throws ERR_CORPUS_TOO_SHORT unless every epoch has a window
 */
export function createBatchPlan(options: BatchPlanOptions): BatchPlan {
  refuseTooShort(options)
  let latest: { epoch: number; startOf: StartOf } | undefined
  const startsIn = (epoch: number): StartOf => {
    if (latest?.epoch !== epoch) latest = { epoch, startOf: epochStarts(options, epoch) }
    return latest.startOf
  }
  const windows = (epoch: number, from: number, count: number): WindowPlan => {
    const total = windowsPerEpoch(epochShape(options, epoch))
    integer('from', from, { min: 0, max: total })
    integer('count', count, { min: 0, max: total - from })
    return layOut(options, startsIn(epoch), epoch, from, count)
  }
  return {
    windowsIn: (epoch) => windowsPerEpoch(epochShape(options, epoch)),
    offsetIn: (epoch) => epochShape(options, epoch).offset,
    windows,
    window: (epoch, index) => windows(epoch, index, 1),
  }
}

/** Windows `from` … `from + count - 1` of one epoch, worked out afresh: what a reader prints. */
export function planWindows(options: BatchPlanOptions & { epoch: number; from: number; count: number }): WindowPlan {
  return createBatchPlan(options).windows(options.epoch, options.from, options.count)
}

/** The least number of symbols with which every epoch has a window: N · T + 1, and the largest offset. */
export function minimumSymbols({
  lanes,
  unroll,
  offset,
}: Pick<BatchPlanOptions, 'lanes' | 'unroll' | 'offset'>): number {
  return lanes * unroll + 1 + (offset === 'random' ? unroll - 1 : offset)
}

/** @throws ERR_CORPUS_TOO_SHORT that says the least length */
export function refuseTooShort(options: Pick<BatchPlanOptions, 'symbols' | 'lanes' | 'unroll' | 'offset'>): void {
  const { symbols, lanes, unroll, offset } = options
  const least = minimumSymbols(options)
  if (symbols >= least) return
  const start = offset === 0 ? '' : offset === 'random' ? ' and a random offset' : ` and offset ${offset}`
  throw new RnnKitError({
    code: 'ERR_CORPUS_TOO_SHORT',
    message: `corpus has ${symbols} symbols to train on: with batchSize ${lanes}, unrollLength ${unroll}${start} it must have at least ${least}, or make those smaller`,
    field: 'corpus',
    value: symbols,
  })
}

function epochShape(options: BatchPlanOptions, epoch: number): EpochShape {
  const { symbols, lanes, unroll, offset } = options
  if (offset !== 'random') return { symbols, lanes, unroll, offset }
  const key = childKey(streamKey(options.seed, 'batches', epoch), OFFSET)
  return { symbols, lanes, unroll, offset: below(key, 0, unroll) }
}

function epochStarts(options: BatchPlanOptions, epoch: number): StartOf {
  const shape = epochShape(options, epoch)
  const key = childKey(streamKey(options.seed, 'batches', epoch), ORDER)
  switch (options.order) {
    case 'consecutive':
      return consecutiveStarts(shape)
    case 'ordered':
      return orderedStarts(shape)
    case 'shuffled':
      return shuffledStarts(shape, key)
    case 'sampled':
      return sampledStarts(shape, key)
  }
}

function layOut(options: BatchPlanOptions, startOf: StartOf, epoch: number, from: number, count: number): WindowPlan {
  const { lanes } = options
  const starts = new Uint32Array(count * lanes)
  const resets = new Uint8Array(count * lanes)
  for (let k = 0; k < count; k++) {
    const reset = startsFromZero(options, epoch, from + k) ? 1 : 0
    for (let lane = 0; lane < lanes; lane++) {
      starts[k * lanes + lane] = startOf(from + k, lane)
      resets[k * lanes + lane] = reset
    }
  }
  return { starts, resets }
}

/** Only in consecutive order does a window go on where the one before it ended; the next epoch begins elsewhere in the text. */
function startsFromZero({ order, resetCarry = 'epoch' }: BatchPlanOptions, epoch: number, window: number): boolean {
  if (order !== 'consecutive' || resetCarry === 'batch') return true
  return window === 0 && (resetCarry === 'epoch' || epoch === 0)
}
