/** Counts the n-grams of a text: its positions are sorted by the symbols that follow, so that equal n-grams become neighbours. */
import { RnnKitError } from '../errors.ts'
import { memoryAvailable } from '../model/memory.ts'
import { SLICE, type Sliced } from '../slices.ts'
import { type GramLevel, GramTable } from './gram-table.ts'

/** Bytes of a position while it is sorted: two lists of positions, and the symbols it shares with the one before. */
const SORTED_BYTES = 9
/** Bytes of an n-gram in a level. */
const GRAM_BYTES = 12

/**
 * The n-grams of lengths 1 to `order`, in time proportional to `order` times the text.
 * @param ids at least `order` symbols, all below `size`
 * @param size of the vocabulary, V
 * @param available bytes that may be taken
 * @throws ERR_MEMORY
 */
export function* countGrams(
  ids: Uint32Array,
  order: number,
  size: number,
  available: () => number = memoryAvailable,
): Sliced<GramTable> {
  refuseMemory(order, ids.length * SORTED_BYTES, available())
  const sorted = yield* sortedPositions(ids, order, size)
  const shared = yield* sharedSymbols(ids, sorted, order)
  const sizes = yield* levelSizes(ids.length, sorted, shared, order)
  const grams = sizes.reduce((sum, count) => sum + count, 0)
  refuseMemory(order, grams * GRAM_BYTES, available())
  return new GramTable(yield* filledLevels(ids, sorted, shared, sizes))
}

/** Sorts by the last of the `order` symbols first: each later pass keeps the order of the ones before among equals. */
function* sortedPositions(ids: Uint32Array, order: number, size: number): Sliced<Uint32Array> {
  let sorted = new Uint32Array(ids.length)
  let next = new Uint32Array(ids.length)
  for (let i = 0; i < sorted.length; i++) {
    sorted[i] = i
    if (i % SLICE === 0) yield
  }
  for (let offset = order - 1; offset >= 0; offset--) {
    yield* sortBy(ids, offset, size, sorted, next)
    ;[sorted, next] = [next, sorted]
  }
  return sorted
}

/** One pass: positions sorted by the symbol `offset` behind each; the text's end comes before all symbols. */
function* sortBy(ids: Uint32Array, offset: number, size: number, from: Uint32Array, into: Uint32Array): Sliced<void> {
  const length = ids.length
  const places = new Uint32Array(size + 2)
  // The symbols behind the positions are those from `offset` on.
  places[1] = Math.min(offset, length)
  for (let begin = offset; begin < length; begin += SLICE) {
    for (const id of ids.subarray(begin, begin + SLICE)) places[id + 2]!++
    yield
  }
  for (let key = 1; key < places.length; key++) places[key]! += places[key - 1]!
  for (let begin = 0; begin < length; begin += SLICE) {
    for (const position of from.subarray(begin, begin + SLICE)) {
      const at = position + offset
      into[places[at < length ? ids[at]! + 1 : 0]!++] = position
    }
    yield
  }
}

/** [positions] How many first symbols each sorted position has in common with the one before, at most `order`. */
function* sharedSymbols(ids: Uint32Array, sorted: Uint32Array, order: number): Sliced<Uint8Array> {
  const shared = new Uint8Array(sorted.length)
  for (let i = 1; i < sorted.length; i++) {
    const [a, b] = [sorted[i - 1]!, sorted[i]!]
    const most = Math.min(order, ids.length - Math.max(a, b))
    let common = 0
    while (common < most && ids[a + common] === ids[b + common]) common++
    shared[i] = common
    if (i % SLICE === 0) yield
  }
  return shared
}

/** [order] How many different n-grams there are of each length: each is new where a position shares fewer symbols. */
function* levelSizes(length: number, sorted: Uint32Array, shared: Uint8Array, order: number): Sliced<number[]> {
  const sizes = new Array<number>(order).fill(0)
  for (let i = 0; i < length; i++) {
    const symbols = Math.min(order, length - sorted[i]!)
    for (let n = shared[i]!; n < symbols; n++) sizes[n]!++
    if (i % SLICE === 0) yield
  }
  return sizes
}

/** @param sizes n-grams of each length */
function* filledLevels(
  ids: Uint32Array,
  sorted: Uint32Array,
  shared: Uint8Array,
  sizes: readonly number[],
): Sliced<GramLevel[]> {
  const order = sizes.length
  const levels = sizes.map((count, n) => ({
    symbols: new Uint32Array(count),
    sums: new Uint32Array(count + 1),
    extensions: n + 1 < order ? new Uint32Array(count + 1) : undefined,
  }))
  // N-grams so far of each length, and how often those occurred.
  const grams = new Array<number>(order + 1).fill(0)
  const seen = new Array<number>(order).fill(0)
  for (let i = 0; i < sorted.length; i++) {
    const position = sorted[i]!
    const symbols = Math.min(order, ids.length - position)
    for (let n = 0; n < symbols; n++) {
      if (n >= shared[i]!) {
        const place = grams[n]!++
        const level = levels[n]!
        level.symbols[place] = ids[position + n]!
        level.sums[place] = seen[n]!
        if (level.extensions !== undefined) level.extensions[place] = grams[n + 1]!
      }
      seen[n]!++
    }
    if (i % SLICE === 0) yield
  }
  levels.forEach(({ symbols, sums, extensions }, n) => {
    sums[symbols.length] = seen[n]!
    if (extensions !== undefined) extensions[symbols.length] = grams[n + 1]!
  })
  return levels
}

function refuseMemory(order: number, needed: number, available: number): void {
  if (needed <= available) return
  throw new RnnKitError({
    code: 'ERR_MEMORY',
    message: `order is ${order}: to count the corpus takes ${needed} more bytes, ${available} are available: take a lower order or a shorter corpus`,
    field: 'order',
    value: order,
  })
}
