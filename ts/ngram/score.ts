/** Scores a text: every symbol once but the first, as an evaluation of a recurrent model does. */
import { type LossReport, lossReport } from '../metrics.ts'
import type { Sliced } from '../slices.ts'
import type { GramTable } from './gram-table.ts'
import type { Score } from './parts.ts'
import { contextBefore, probabilityOf, type Smoothing } from './probabilities.ts'

/** Symbols between two chances to pause. */
const SYMBOLS = 1024

/** @param ids at least two symbols */
export function* scoring(grams: GramTable, smoothed: Smoothing, ids: Uint32Array): Sliced<Score> {
  let nats = 0
  for (let at = 1; at < ids.length; at++) {
    nats -= Math.log(probabilityOf(ids[at]!, contextBefore(grams, ids, at), smoothed))
    if (at % SYMBOLS === 0) yield
  }
  return { nats, count: ids.length - 1 }
}

/** The measures of a score: counting optimises nothing but the nats themselves. */
export function scoreReport({ nats, count }: Score): LossReport {
  return lossReport({ lossSum: nats, nats, count })
}
