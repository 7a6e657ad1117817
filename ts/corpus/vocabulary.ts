/** The symbols that a model knows, and the way between text and their ids. */
import { RnnKitError } from '../errors.ts'
import { MAX_VOCABULARY } from '../limits.ts'
import { describe, integer, wellFormed } from '../options/check.ts'
import {
  type NormalVocabularyOptions,
  type UnknownPolicy,
  type VocabularyOptions,
  vocabularyOptions,
} from '../options/vocabulary.ts'
import { atOnce, type Sliced } from '../slices.ts'
import { SYMBOLS, segment, type Unit } from './segment.ts'
import { type DecodeIds, StreamDecoder } from './stream-decoder.ts'
import { compareCodePoints, countSymbols, createLookUp, firstAbsent, type LookUp, withoutAbsent } from './symbol-ids.ts'

/** How the unknown symbol is shown. */
export const UNKNOWN_TEXT = '\uFFFD'

export interface VocabularyEntries {
  unit: Unit
  unknown: UnknownPolicy
  /** The known symbols in the order of their ids, without the unknown one; bytes as U+0000 … U+00FF. */
  known: readonly string[]
  /** How often each occurred in the training text, then the unknown symbol's count if there is one. */
  counts: Uint32Array
}

export class Vocabulary {
  readonly unit: Unit
  readonly unknown: UnknownPolicy
  /** Every entry in the order of ids; the unknown symbol, always the last, as U+FFFD; bytes as U+0000 … U+00FF. */
  readonly symbols: readonly string[]
  /** Id of the unknown symbol, if there is one. */
  readonly unknownId: number | undefined
  /** How often each entry occurred in the training text; all 0 where that is not known. */
  readonly counts: Uint32Array
  /** Id of the symbol that occurred most often, the first of equals; never the unknown one. */
  readonly mostFrequent: number
  readonly #lookUp: LookUp
  readonly #ids: ReadonlyMap<string, number>
  readonly #decodeIds: DecodeIds

  /** For entries that are known to be right; otherwise `build` or `vocabularyFromTensors`. */
  constructor({ unit, unknown, known, counts }: VocabularyEntries) {
    const hasUnknown = unknown === 'symbol'
    this.unit = unit
    this.unknown = unknown
    this.symbols = hasUnknown ? [...known, UNKNOWN_TEXT] : known
    this.unknownId = hasUnknown ? known.length : undefined
    this.counts = counts
    this.mostFrequent = known.reduce((best, _, id) => (counts[id]! > counts[best]! ? id : best), 0)
    this.#lookUp = createLookUp(known, unit)
    this.#ids = new Map(known.map((symbol, id) => [symbol, id]))
    this.#decodeIds = unit === 'byte' ? byteDecoder(this.symbols, this.unknownId) : textDecoder(this.symbols)
  }

  /**
   * The vocabulary of a text, in slices: its symbols in the order of code points (bytes by value), then the unknown one.
   * @throws ERR_CORPUS_EMPTY; ERR_VOCABULARY for more than 65,536 symbols, or none that is frequent enough
   */
  static *building(text: string, options: VocabularyOptions = {}): Sliced<Vocabulary> {
    const { unit, minCount, unknown } = vocabularyOptions('vocabulary', options)
    if (text === '') {
      throw new RnnKitError({
        code: 'ERR_CORPUS_EMPTY',
        message: 'corpus has no text to take symbols from',
        field: 'corpus',
      })
    }
    const all = yield* countSymbols(wellFormed('corpus', text), unit)
    const known = [...all.keys()].filter((symbol) => all.get(symbol)! >= minCount)
    refuseSize(known.length, unknown, minCount)
    known.sort(compareCodePoints)
    const counts = known.map((symbol) => all.get(symbol)!)
    if (unknown === 'symbol') counts.push(sum(all.values()) - sum(counts))
    return new Vocabulary({ unit, unknown, known, counts: Uint32Array.from(counts) })
  }

  /** The same at once. */
  static build(text: string, options: VocabularyOptions = {}): Vocabulary {
    return atOnce(Vocabulary.building(text, options))
  }

  /** Entries in all, the unknown one included: the model's V. */
  get size(): number {
    return this.symbols.length
  }

  /** The id of a known symbol. */
  idOf(symbol: string): number | undefined {
    return this.#ids.get(symbol)
  }

  /**
   * The ids of the text's symbols, in slices. What has no entry is refused, left out or made the unknown id, as `unknown` says.
   * @param field the option the text came from, for errors
   * @throws ERR_LONE_SURROGATE, ERR_UNKNOWN_SYMBOL
   */
  *encoding(text: string, field = 'text'): Sliced<Uint32Array> {
    const ids = yield* this.#lookUp(wellFormed(field, text))
    const first = yield* firstAbsent(ids)
    if (first === -1) return ids
    if (this.unknown === 'error') throw yield* this.#unknownSymbol(field, text, first)
    return yield* withoutAbsent(ids, this.unknownId)
  }

  /** The same at once. */
  encode(text: string, field = 'text'): Uint32Array {
    return atOnce(this.encoding(text, field))
  }

  /** The text of some ids; bytes that are not UTF-8 become U+FFFD. */
  decode(ids: ArrayLike<number>): string {
    const decoded = this.#decodeIds(ids)
    return typeof decoded === 'string' ? decoded : new TextDecoder('utf-8', { ignoreBOM: true }).decode(decoded)
  }

  /** A decoder for ids that come one by one; its pieces joined are `decode` of all of them, without a last character cut short. */
  decoder(): StreamDecoder {
    return new StreamDecoder(this.#decodeIds)
  }

  *#unknownSymbol(field: string, text: string, index: number): Sliced<RnnKitError> {
    let at = 0
    let symbol = ''
    for (symbol of segment(text, this.unit)) {
      if (at++ === index) break
      if (at % SYMBOLS === 0) yield
    }
    const shown =
      this.unit === 'byte' ? `byte 0x${symbol.charCodeAt(0).toString(16).padStart(2, '0')}` : describe(symbol)
    return new RnnKitError({
      code: 'ERR_UNKNOWN_SYMBOL',
      message: `${field} has ${shown} at symbol ${index}, which the vocabulary lacks: leave it out, or train with vocabulary.unknown 'skip' or 'symbol'`,
      field,
      value: symbol,
      position: index,
    })
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}

function refuseSize(known: number, unknown: UnknownPolicy, minCount: NormalVocabularyOptions['minCount']): void {
  const refuse = (message: string) => {
    throw new RnnKitError({ code: 'ERR_VOCABULARY', message, field: 'vocabulary', value: known })
  }
  if (known === 0) refuse(`vocabulary would be empty: no symbol occurs ${minCount} times, so minCount must be lower`)
  if (known + (unknown === 'symbol' ? 1 : 0) > MAX_VOCABULARY) {
    refuse(
      `vocabulary would have ${known} symbols, at most ${MAX_VOCABULARY} are possible: is the corpus text? A greater minCount or another unit makes fewer`,
    )
  }
}

function checkedId(ids: ArrayLike<number>, i: number, size: number): number {
  const id = ids[i]!
  return id >>> 0 === id && id < size ? id : integer(`ids[${i}]`, id, { min: 0, max: size - 1 })
}

function textDecoder(symbols: readonly string[]): DecodeIds {
  return (ids) => {
    let text = ''
    for (let i = 0; i < ids.length; i++) text += symbols[checkedId(ids, i, symbols.length)]
    return text
  }
}

function byteDecoder(symbols: readonly string[], unknownId: number | undefined): DecodeIds {
  const shown = new TextEncoder().encode(UNKNOWN_TEXT)
  return (ids) => {
    const bytes: number[] = []
    for (let i = 0; i < ids.length; i++) {
      const id = checkedId(ids, i, symbols.length)
      if (id === unknownId) bytes.push(...shown)
      else bytes.push(symbols[id]!.charCodeAt(0))
    }
    return Uint8Array.from(bytes)
  }
}
