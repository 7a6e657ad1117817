/** Cuts text into the symbols that a model reads; joining the symbols gives the text back. */

import type { Sliced } from '../slices.ts'

/**
 * `char`: one code point. `grapheme`: what a reader takes for one character (Unicode extended grapheme cluster).
 * `byte`: one byte of the text's UTF-8. `word`: a run of letters, digits and marks, or any other single code point.
 */
export type Unit = 'char' | 'grapheme' | 'byte' | 'word'
export const UNITS = ['char', 'grapheme', 'byte', 'word'] as const satisfies readonly Unit[]

const WORDS = /[\p{L}\p{N}\p{M}]+|./gsu
/** Symbols between two chances to pause. */
export const SYMBOLS = 1024
const CARRIAGE_RETURN = 0x0d
const LINE_FEED = 0x0a

/**
 * `Intl.Segmenter` takes time quadratic in the length of its string, so it gets short slices, each beginning where a
 * cluster begins: what stands before such a place has no influence on the clusters after it.
 */
const SLICE = 64
/** Made when first needed: Node loads its tables for it, which takes 10 ms. */
let segmenter: Intl.Segmenter | undefined

/**
 * The symbols of well-formed text in order. A byte is given as the one-character string of that code (U+0000 … U+00FF).
 */
export function segment(text: string, unit: Unit): Iterable<string> {
  switch (unit) {
    case 'char':
      return text
    case 'grapheme':
      return graphemes(text)
    case 'byte':
      return bytes(text)
    case 'word':
      return words(text)
  }
}

/**
 * The beginning of `text` that holds its first `count` symbols, or all of it when it has no more. For bytes it ends with
 * the last code point that is whole within `count` bytes, so it may hold up to three fewer.
 */
export function* takeSymbols(text: string, unit: Unit, count: number): Sliced<string> {
  if (unit === 'byte') {
    const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.min(count, text.length * 3)))
    return text.slice(0, read)
  }
  let end = 0
  let taken = 0
  for (const symbol of segment(text, unit)) {
    if (taken === count) break
    end += symbol.length
    if (++taken % SYMBOLS === 0) yield
  }
  return text.slice(0, end)
}

function* words(text: string): Generator<string> {
  for (const [word] of text.matchAll(WORDS)) yield word
}

function* bytes(text: string): Generator<string> {
  for (const byte of new TextEncoder().encode(text)) yield String.fromCharCode(byte)
}

function* graphemes(text: string): Generator<string> {
  let at = 0
  while (at < text.length) {
    if (standsAlone(text, at)) {
      yield text[at]!
      at++
      continue
    }
    for (const cluster of clustersFrom(text, at)) {
      yield cluster
      at += cluster.length
      if (standsAlone(text, at)) break
    }
  }
}

/** Whether an ASCII character at the beginning of a cluster is the whole cluster, because ASCII (or nothing) follows. */
function standsAlone(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (!(code < 0x80)) return false
  const next = text.charCodeAt(at + 1)
  return !(next >= 0x80) && !(code === CARRIAGE_RETURN && next === LINE_FEED)
}

/** At least one whole cluster from `at` on, where a cluster begins. */
function clustersFrom(text: string, at: number): string[] {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'grapheme' })
  for (let length = SLICE; ; length *= 2) {
    const clusters = Array.from(segmenter.segment(text.slice(at, at + length)), ({ segment }) => segment)
    if (at + length >= text.length) return clusters
    // The slice may end in the middle of its last cluster.
    if (clusters.length > 1) return clusters.slice(0, -1)
  }
}
