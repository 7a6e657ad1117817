/** The option `corpus`: where the text comes from and how it is normalised. */
import { RnnKitError } from '../errors.ts'
import {
  boolean,
  callback,
  describe,
  fieldIn,
  integer,
  isList,
  oneOf,
  optional,
  record,
  refuse,
  text,
} from './check.ts'

export interface CorpusTextOptions {
  /** Turn text to lower case. @default false */
  lowercase?: boolean
  /** `'space'` makes each line end (CRLF, CR or LF) one space. @default 'keep' */
  newlines?: 'keep' | 'space'
  /** Applied to the whole text, after `newlines` and `lowercase`. @default none */
  normalize?: (text: string) => string
  /** Keep only the first so many symbols, counted in the vocabulary's unit, after all else. @default all */
  maxSymbols?: number
}

/** Text itself, or the paths of UTF-8 files that are joined in this order. */
export type CorpusOptions = CorpusTextOptions &
  (
    | { text: string; files?: undefined; invalid?: undefined }
    | {
        files: readonly string[]
        /** Bytes that are not UTF-8 are an error, or each such sequence is replaced by U+FFFD. @default 'error' */
        invalid?: InvalidPolicy
        text?: undefined
      }
  )

export type InvalidPolicy = 'error' | 'replace'

/** The option with every default in its place. */
export interface NormalCorpusOptions {
  /** Path of the option, for errors. */
  field: string
  source: { kind: 'text'; text: string } | { kind: 'files'; files: readonly string[]; invalid: InvalidPolicy }
  lowercase: boolean
  newlines: 'keep' | 'space'
  normalize: ((text: string) => string) | undefined
  maxSymbols: number | undefined
}

/** How the corpus was normalised, and so every text that the model meets later. */
export type TextRules = Readonly<Pick<NormalCorpusOptions, 'lowercase' | 'newlines'>>

const RULES: TextRules = { lowercase: false, newlines: 'keep' }

/**
 * Checks and completes the option; reads no file.
 * @param kept the rules of a model's earlier text, which this text must follow
 */
export function corpusOptions(field: string, value: unknown, kept?: TextRules): NormalCorpusOptions {
  const given = record(
    field,
    value,
    ['text', 'files', 'invalid', 'lowercase', 'newlines', 'normalize', 'maxSymbols'],
    '{ files } or { text }',
  )
  const at = (key: string) => fieldIn(field, key)
  return {
    field,
    source: corpusSource(field, value, given),
    ...textRules(field, given, kept),
    normalize: optional(given.normalize, (v) => callback<(text: string) => string>(at('normalize'), v)),
    maxSymbols: optional(given.maxSymbols, (v) => integer(at('maxSymbols'), v, { min: 1 })),
  }
}

function textRules(field: string, given: { lowercase?: unknown; newlines?: unknown }, kept?: TextRules): TextRules {
  const at = (key: string) => fieldIn(field, key)
  const asked = {
    lowercase: optional(given.lowercase, (v) => boolean(at('lowercase'), v)),
    newlines: optional(given.newlines, (v) => oneOf(at('newlines'), v, ['keep', 'space'])),
  }
  const { lowercase, newlines } = kept ?? RULES
  for (const [key, before] of [
    ['lowercase', lowercase],
    ['newlines', newlines],
  ] as const) {
    if (kept === undefined || asked[key] === undefined || asked[key] === before) continue
    refuse(at(key), asked[key], `left out or ${describe(before)}, as for the text that the model was trained on first`)
  }
  return { lowercase: asked.lowercase ?? lowercase, newlines: asked.newlines ?? newlines }
}

function corpusSource(
  field: string,
  value: unknown,
  { text: givenText, files, invalid }: { text?: unknown; files?: unknown; invalid?: unknown },
): NormalCorpusOptions['source'] {
  if (givenText !== undefined && files !== undefined) {
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `${field} has both text and files: give exactly one of them`,
      field,
      value,
    })
  }
  if (givenText !== undefined && invalid !== undefined) {
    refuse(fieldIn(field, 'invalid'), invalid, 'left out beside text, which has no bytes')
  }
  if (givenText !== undefined) return { kind: 'text', text: text(fieldIn(field, 'text'), givenText) }
  if (files !== undefined) {
    return {
      kind: 'files',
      files: filePaths(fieldIn(field, 'files'), files),
      invalid: optional(invalid, (v) => oneOf(fieldIn(field, 'invalid'), v, ['error', 'replace'])) ?? 'error',
    }
  }
  throw new RnnKitError({
    code: 'ERR_MISSING_OPTION',
    message: `${field} has neither text nor files: give exactly one of them`,
    field,
    value,
  })
}

function filePaths(field: string, value: unknown): string[] {
  const wants = 'an array of at least one path'
  if (!isList(value) || value.length === 0) return refuse(field, value, wants)
  return Array.from(value, (path: unknown, i) => {
    const isPath = typeof path === 'string' && path !== ''
    return isPath ? path : refuse(`${field}[${i}]`, path, 'the path of a file')
  })
}
