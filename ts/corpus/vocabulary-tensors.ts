/** A vocabulary as tensors of a model file, and back with everything checked. */
import { type ErrorCode, RnnKitError } from '../errors.ts'
import { MAX_VOCABULARY } from '../limits.ts'
import type { UnknownPolicy } from '../options/vocabulary.ts'
import { segment, type Unit } from './segment.ts'
import { Vocabulary } from './vocabulary.ts'

export interface VocabularyTensors {
  /** [bytes] UTF-8 of all entries, one after the other, each byte itself for unit 'byte'; the unknown symbol is empty. */
  text: Uint8Array
  /** [V + 1] entry `i` is `text` from `offsets[i]` to `offsets[i + 1]`. */
  offsets: Uint32Array
  /** [V] how often each entry occurred in the training text. */
  counts?: Uint32Array
}

/** The tensors to store; `unit` and `unknown` go beside them. */
export function vocabularyToTensors(vocabulary: Vocabulary): Required<VocabularyTensors> {
  const { symbols, unit, unknownId, counts } = vocabulary
  const encoder = new TextEncoder()
  const entries = symbols.map((symbol, id) => {
    if (id === unknownId) return new Uint8Array()
    return unit === 'byte' ? Uint8Array.of(symbol.charCodeAt(0)) : encoder.encode(symbol)
  })
  const offsets = new Uint32Array(entries.length + 1)
  entries.forEach((entry, id) => {
    offsets[id + 1] = offsets[id]! + entry.length
  })
  const text = new Uint8Array(offsets[entries.length]!)
  entries.forEach((entry, id) => {
    text.set(entry, offsets[id]!)
  })
  return { text, offsets, counts }
}

/**
 * The vocabulary that was stored.
 * @throws ERR_CHECKPOINT_VOCABULARY unless there is at least one entry, at most 65,536, and each is one symbol of the unit
 *   in valid UTF-8, different from all others
 */
export function vocabularyFromTensors(
  tensors: VocabularyTensors,
  { unit, unknown }: { unit: Unit; unknown: UnknownPolicy },
): Vocabulary {
  const { text, offsets, counts } = tensors
  const size = offsets.length - 1
  const knownSize = unknown === 'symbol' ? size - 1 : size
  if (knownSize < 1 || size > MAX_VOCABULARY)
    refuse('offsets', `${Math.max(size, 0)} entries`, `1 to ${MAX_VOCABULARY}`)
  checkOffsets(offsets, knownSize, text.length)
  if (counts !== undefined && counts.length !== size) refuse('counts', `${counts.length} entries`, `${size}`)
  const known = Array.from({ length: knownSize }, (_, id) => {
    return readEntry(text.subarray(offsets[id]!, offsets[id + 1]!), unit, id)
  })
  refuseDuplicates(known)
  return new Vocabulary({ unit, unknown, known, counts: counts ?? new Uint32Array(size) })
}

function checkOffsets(offsets: Uint32Array, knownSize: number, textLength: number): void {
  if (offsets[0] !== 0) refuse('offsets', `${offsets[0]} at its beginning`, '0')
  for (let id = 0; id < knownSize; id++) {
    if (offsets[id + 1]! <= offsets[id]!) refuse('offsets', `no room for entry ${id}`, 'ascending offsets')
  }
  // With an unknown symbol this is its empty entry's end as well.
  for (let id = knownSize; id < offsets.length; id++) {
    if (offsets[id] !== textLength)
      refuse('offsets', `${offsets[id]} at its end`, `${textLength}, the length of the text`)
  }
}

function readEntry(bytes: Uint8Array, unit: Unit, id: number): string {
  if (unit === 'byte') {
    if (bytes.length !== 1) refuse('text', `${bytes.length} bytes as entry ${id}`, 'one byte')
    return String.fromCharCode(bytes[0]!)
  }
  let entry = ''
  try {
    entry = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    refuse('text', `entry ${id} in invalid UTF-8`, 'valid UTF-8', cause)
  }
  if (!isOneSymbol(entry, unit)) refuse('text', `more than one symbol as entry ${id}`, `one ${unit}`)
  return entry
}

/**
 * Where graphemes and words end depends on the version of Unicode, and a file may come from a Node with another one:
 * what this one would cut is refused only if it has ASCII in it, whose rules do not change.
 */
function isOneSymbol(entry: string, unit: Unit): boolean {
  let count = 0
  for (const _ of segment(entry, unit)) count++
  if (count === 1) return true
  const hasAscii = [...entry].some((char) => char < '\x80')
  return unit !== 'char' && !hasAscii
}

function refuseDuplicates(known: readonly string[]): void {
  const seen = new Map<string, number>()
  known.forEach((symbol, id) => {
    const earlier = seen.get(symbol)
    if (earlier !== undefined) refuse('text', `the same symbol as entries ${earlier} and ${id}`, 'different symbols')
    seen.set(symbol, id)
  })
}

function refuse(tensor: keyof VocabularyTensors, has: string, wants: string, cause?: unknown): never {
  const field = `vocabulary.${tensor}`
  const code: ErrorCode = 'ERR_CHECKPOINT_VOCABULARY'
  throw new RnnKitError({ code, message: `${field} has ${has}: it must have ${wants}`, field, cause })
}
