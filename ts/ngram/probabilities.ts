/** From counts to probabilities by additive smoothing: p(w | c) = (count(c, w) + α) / (count(c) + α V). */
import { countAt, type Extensions, type GramTable, placeOf, totalOf } from './gram-table.ts'

/** What is added to every count (α), for how many symbols (V). */
export interface Smoothing {
  readonly smoothing: number
  readonly size: number
}

/** The extensions of what stands before place `at` of `ids`: the last `order - 1` symbols, or all where there are fewer. */
export function contextBefore(grams: GramTable, ids: Uint32Array, at: number): Extensions {
  return grams.following(ids, Math.max(0, at - (grams.order - 1)), at)
}

/** p(symbol | context). */
export function probabilityOf(symbol: number, following: Extensions, smoothed: Smoothing): number {
  const place = placeOf(following, symbol)
  return probability(place === -1 ? 0 : countAt(following.level, place), totalOf(following), smoothed)
}

/** [V] p(w | context) of every symbol. */
export function distribution(following: Extensions, smoothed: Smoothing): Float64Array {
  const { level, from, to } = following
  const total = totalOf(following)
  const probabilities = new Float64Array(smoothed.size).fill(probability(0, total, smoothed))
  for (let place = from; place < to; place++) {
    probabilities[level.symbols[place]!] = probability(countAt(level, place), total, smoothed)
  }
  return probabilities
}

/** After a context that nothing ever followed all symbols are equally likely, whatever α is: so α = 0 is the limit of small ones. */
function probability(count: number, total: number, { smoothing, size }: Smoothing): number {
  return total === 0 ? 1 / size : (count + smoothing) / (total + smoothing * size)
}
