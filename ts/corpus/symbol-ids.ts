/** Looks up the id of every symbol of a text, by the fastest table for the unit. */
import { segment, type Unit } from './segment.ts'

/** Stands for "no entry" among ids; larger than any id. */
export const ABSENT = 0xffffffff

/** The ids of a well-formed text's symbols in order, ABSENT where one has no entry. */
export type LookUp = (text: string) => Uint32Array

/** @param symbols entry `i` has id `i`; bytes as strings U+0000 … U+00FF */
export function createLookUp(symbols: readonly string[], unit: Unit): LookUp {
  if (unit === 'char') return charLookUp(symbols)
  if (unit === 'byte') return byteLookUp(symbols)
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]))
  return (text) => Uint32Array.from(segment(text, unit), (symbol) => ids.get(symbol) ?? ABSENT)
}

function byteLookUp(symbols: readonly string[]): LookUp {
  const ids = new Uint32Array(256).fill(ABSENT)
  symbols.forEach((symbol, id) => {
    ids[symbol.charCodeAt(0)] = id
  })
  return (text) => Uint32Array.from(new TextEncoder().encode(text), (byte) => ids[byte]!)
}

/** A table over the code units that are code points by themselves; code points that take two are looked up apart. */
function charLookUp(symbols: readonly string[]): LookUp {
  const ids = new Uint32Array(0x10000).fill(ABSENT)
  const astral = new Map<number, number>()
  symbols.forEach((symbol, id) => {
    if (symbol.length === 1) ids[symbol.charCodeAt(0)] = id
    else astral.set(symbol.codePointAt(0)!, id)
  })
  return (text) => {
    const found = new Uint32Array(text.length)
    let count = 0
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit < 0xd800 || unit > 0xdfff) {
        found[count++] = ids[unit]!
      } else {
        found[count++] = astral.get(text.codePointAt(at)!) ?? ABSENT
        at++
      }
    }
    return count === found.length ? found : found.slice(0, count)
  }
}

/** How often each symbol occurs in a well-formed text. */
export function countSymbols(text: string, unit: Unit): Map<string, number> {
  if (unit === 'char') return countChars(text)
  const counts = new Map<string, number>()
  for (const symbol of segment(text, unit)) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  return counts
}

function countChars(text: string): Map<string, number> {
  const units = new Uint32Array(0x10000)
  const counts = new Map<string, number>()
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0xd800 || unit > 0xdfff) {
      units[unit]!++
    } else {
      const pair = text.slice(at, at + 2)
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
      at++
    }
  }
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
