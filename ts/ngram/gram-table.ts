/** The n-grams of a text with their counts: for each length a sorted list, linked to that of the next. */

/**
 * All n-grams of one length n, sorted by their symbols. An n-gram's extensions are the (n + 1)-grams that begin with it: neighbours in
 * the next level.
 */
export interface GramLevel {
  /** [M] The last symbol of each; ascending among those that extend the same (n - 1)-gram. */
  readonly symbols: Uint32Array
  /** [M + 1] How often those before each occur, together. */
  readonly sums: Uint32Array
  /** [M + 1] Where each one's extensions begin in the next level; those of the last end at the last entry. `undefined`: there is no next. */
  readonly extensions: Uint32Array | undefined
}

/** N-grams that are neighbours in a level. */
export interface Extensions {
  readonly level: GramLevel
  readonly from: number
  /** The first that no longer belongs to them. */
  readonly to: number
}

export class GramTable {
  /** [order] The n-grams of length 1, 2 … order. */
  readonly levels: readonly GramLevel[]

  /** @param levels at least one, none of them empty */
  constructor(levels: readonly GramLevel[]) {
    this.levels = levels
  }

  /** Length of the longest n-grams. */
  get order(): number {
    return this.levels.length
  }

  /**
   * What followed a context in the text: the n-grams that extend symbols `from` to before `to` of `ids`, fewer than `order` symbols. None
   * where the context never occurred, or at the text's end alone.
   */
  following(ids: Uint32Array, from: number, to: number): Extensions {
    let found: Extensions = { level: this.levels[0]!, from: 0, to: this.levels[0]!.symbols.length }
    for (let at = from; at < to; at++) {
      const level = this.levels[at - from + 1]!
      const place = placeOf(found, ids[at]!)
      if (place === -1) return { level, from: 0, to: 0 }
      const begins = found.level.extensions!
      found = { level, from: begins[place]!, to: begins[place + 1]! }
    }
    return found
  }

  /** The symbols of an n-gram: the one at `place` of the level of length `n`. */
  symbolsOf(n: number, place: number): Uint32Array {
    const symbols = new Uint32Array(n)
    let at = place
    for (let length = n; length >= 1; length--) {
      symbols[length - 1] = this.levels[length - 1]!.symbols[at]!
      if (length > 1) at = lastNotAbove(this.levels[length - 2]!.extensions!, at)
    }
    return symbols
  }
}

/** How often the n-gram at `place` occurs. */
export function countAt({ sums }: GramLevel, place: number): number {
  return sums[place + 1]! - sums[place]!
}

/** How often these n-grams occur, together. */
export function totalOf({ level, from, to }: Extensions): number {
  return level.sums[to]! - level.sums[from]!
}

/** Place of the n-gram among these whose last symbol is `symbol`, or -1. */
export function placeOf({ level: { symbols }, from, to }: Extensions, symbol: number): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (symbols[middle]! < symbol) low = middle + 1
    else high = middle
  }
  return low < to && symbols[low] === symbol ? low : -1
}

/** Index of the last of ascending numbers that is not above `number`; the first of them is not. */
function lastNotAbove(numbers: Uint32Array, number: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (numbers[middle]! <= number) low = middle
    else high = middle - 1
  }
  return low
}
