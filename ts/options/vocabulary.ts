/** The option `vocabulary`: what one symbol is, and what becomes of rare and unknown ones. */
import { UNITS, type Unit } from '../corpus/segment.ts'
import { RnnKitError } from '../errors.ts'
import { fieldIn, integer, oneOf, optional, record } from './check.ts'

export type UnknownPolicy = 'error' | 'skip' | 'symbol'
export const UNKNOWN_POLICIES = ['error', 'skip', 'symbol'] as const satisfies readonly UnknownPolicy[]

export interface VocabularyOptions {
  /** What one symbol is: a code point, a grapheme cluster, a byte of UTF-8, or a word. @default 'char' */
  unit?: Unit
  /** Symbols that occur less often get no entry of their own. More than 1 needs `unknown` 'skip' or 'symbol'. @default 1 */
  minCount?: number
  /** A symbol without an entry is an error, is left out, or is read as one extra symbol, the last. @default 'error' */
  unknown?: UnknownPolicy
}

export type NormalVocabularyOptions = Required<VocabularyOptions>

/** Checks and completes the option, which may be left out as a whole. */
export function vocabularyOptions(field: string, value: unknown): NormalVocabularyOptions {
  const given = value === undefined ? {} : record(field, value, ['unit', 'minCount', 'unknown'])
  const at = (key: string) => fieldIn(field, key)
  const unit = optional(given.unit, (v) => oneOf(at('unit'), v, UNITS)) ?? 'char'
  const minCount = optional(given.minCount, (v) => integer(at('minCount'), v, { min: 1 })) ?? 1
  const unknown = optional(given.unknown, (v) => oneOf(at('unknown'), v, UNKNOWN_POLICIES)) ?? 'error'
  if (minCount > 1 && unknown === 'error') {
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `${at('unknown')} is 'error', but ${at('minCount')} ${minCount} leaves rare symbols without an entry: it must be 'skip' or 'symbol'`,
      field: at('unknown'),
      value: unknown,
    })
  }
  return { unit, minCount, unknown }
}
