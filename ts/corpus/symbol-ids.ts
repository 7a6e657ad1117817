/** Looks up the id of every symbol of a text, and counts symbols, by the fastest table for the unit; all of it in slices. */
import { SLICE, type Sliced } from '../slices.ts'
import { SYMBOLS, segment, type Unit } from './segment.ts'
import { sliceEnd } from './text-slices.ts'

/** Stands for "no entry" among ids; larger than any id. */
export const ABSENT = 0xffffffff

/** The ids of a well-formed text's symbols in order, ABSENT where one has no entry; the caller's own. */
export type LookUp = (text: string) => Sliced<Uint32Array>

/** @param symbols entry `i` has id `i`; bytes as strings U+0000 … U+00FF */
export function createLookUp(symbols: readonly string[], unit: Unit): LookUp {
  if (unit === 'char') return charLookUp(symbols)
  if (unit === 'byte') return byteLookUp(symbols)
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]))
  return function* (text) {
    // No symbol is shorter than a code unit. What is not written to costs no memory.
    const found = new Uint32Array(text.length)
    let count = 0
    for (const symbol of segment(text, unit)) {
      found[count++] = ids.get(symbol) ?? ABSENT
      if (count % SYMBOLS === 0) yield
    }
    return found.subarray(0, count)
  }
}

function byteLookUp(symbols: readonly string[]): LookUp {
  const ids = new Uint32Array(256).fill(ABSENT)
  symbols.forEach((symbol, id) => {
    ids[symbol.charCodeAt(0)] = id
  })
  return function* (text) {
    const found = new Uint32Array(Buffer.byteLength(text))
    let count = 0
    for (const bytes of byteSlices(text)) {
      for (const byte of bytes) found[count++] = ids[byte]!
      yield
    }
    return found
  }
}

/** A table over the code units that are code points by themselves; code points that take two are looked up apart. */
function charLookUp(symbols: readonly string[]): LookUp {
  const ids = new Uint32Array(0x10000).fill(ABSENT)
  const astral = new Map<number, number>()
  symbols.forEach((symbol, id) => {
    if (symbol.length === 1) ids[symbol.charCodeAt(0)] = id
    else astral.set(symbol.codePointAt(0)!, id)
  })
  /** Looks a slice up, writes its ids from place `count` on, and returns the place after them. */
  const lookUp = (text: string, from: number, to: number, found: Uint32Array, count: number) => {
    let place = count
    for (let at = from; at < to; at++) {
      const unit = text.charCodeAt(at)
      if (unit < 0xd800 || unit > 0xdfff) {
        found[place++] = ids[unit]!
      } else {
        found[place++] = astral.get(text.codePointAt(at)!) ?? ABSENT
        at++
      }
    }
    return place
  }
  return function* (text) {
    const found = new Uint32Array(text.length)
    let count = 0
    for (let from = 0, to = 0; from < text.length; from = to) {
      to = sliceEnd(text, from)
      count = lookUp(text, from, to, found, count)
      yield
    }
    return found.subarray(0, count)
  }
}

/** Index of the first ABSENT among ids, or -1. */
export function* firstAbsent(ids: Uint32Array): Sliced<number> {
  for (let from = 0; from < ids.length; from += SLICE) {
    const index = ids.subarray(from, from + SLICE).indexOf(ABSENT)
    if (index !== -1) return from + index
    yield
  }
  return -1
}

/** Changes `ids` in place: each ABSENT becomes `replacement`, or is left out where there is none. */
export function* withoutAbsent(ids: Uint32Array, replacement: number | undefined): Sliced<Uint32Array> {
  let kept = 0
  for (let from = 0; from < ids.length; from += SLICE) {
    for (const found of ids.subarray(from, from + SLICE)) {
      const id = found === ABSENT ? replacement : found
      if (id !== undefined) ids[kept++] = id
    }
    yield
  }
  return ids.subarray(0, kept)
}

/** How often each symbol occurs in a well-formed text. */
export function* countSymbols(text: string, unit: Unit): Sliced<Map<string, number>> {
  if (unit === 'char') return yield* countChars(text)
  if (unit === 'byte') return yield* countBytes(text)
  const counts = new Map<string, number>()
  let seen = 0
  for (const symbol of segment(text, unit)) {
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    if (++seen % SYMBOLS === 0) yield
  }
  return counts
}

function* countChars(text: string): Sliced<Map<string, number>> {
  const units = new Uint32Array(0x10000)
  const pairs = new Map<string, number>()
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = sliceEnd(text, from)
    countSlice(text, from, to, units, pairs)
    yield
  }
  return withUnits(pairs, units)
}

function countSlice(text: string, from: number, to: number, units: Uint32Array, pairs: Map<string, number>): void {
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdfff) {
      units[unit]!++
    } else {
      const pair = text.slice(at, at + 2)
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
      at++
    }
  }
}

function* countBytes(text: string): Sliced<Map<string, number>> {
  const values = new Uint32Array(256)
  for (const bytes of byteSlices(text)) {
    for (const byte of bytes) values[byte]!++
    yield
  }
  return withUnits(new Map(), values)
}

function* byteSlices(text: string): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = sliceEnd(text, from)
    yield encoder.encode(text.slice(from, to))
  }
}

/** `counts`, and those of single code units by their value. */
function withUnits(counts: Map<string, number>, units: Uint32Array): Map<string, number> {
  units.forEach((count, unit) => {
    if (count > 0) counts.set(String.fromCharCode(unit), count)
  })
  return counts
}

/** Orders strings by their code points, which the language's own order (by UTF-16 code units) does not. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  // Two strings that first differ in the second half of a pair share the first half, so stepping back finds the pair.
  const half = at > 0 && at < length && isLowSurrogate(a.charCodeAt(at)) && isLowSurrogate(b.charCodeAt(at)) ? 1 : 0
  return (a.codePointAt(at - half) ?? -1) - (b.codePointAt(at - half) ?? -1)
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
