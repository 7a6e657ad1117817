/** The option `corpus`: where the text comes from and how it is normalised. */
import { RnnKitError } from '../errors.ts'
import { boolean, callback, fieldIn, integer, isList, oneOf, optional, record, refuse, text } from './check.ts'

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
  ({ text: string; files?: undefined } | { files: readonly string[]; text?: undefined })

/** The option with every default in its place. */
export interface NormalCorpusOptions {
  /** Path of the option, for errors. */
  field: string
  source: { kind: 'text'; text: string } | { kind: 'files'; files: readonly string[] }
  lowercase: boolean
  newlines: 'keep' | 'space'
  normalize: ((text: string) => string) | undefined
  maxSymbols: number | undefined
}

/** Checks and completes the option; reads no file. */
export function corpusOptions(field: string, value: unknown): NormalCorpusOptions {
  const given = record(
    field,
    value,
    ['text', 'files', 'lowercase', 'newlines', 'normalize', 'maxSymbols'],
    '{ files } or { text }',
  )
  const at = (key: string) => fieldIn(field, key)
  return {
    field,
    source: corpusSource(field, value, given),
    lowercase: optional(given.lowercase, (v) => boolean(at('lowercase'), v)) ?? false,
    newlines: optional(given.newlines, (v) => oneOf(at('newlines'), v, ['keep', 'space'])) ?? 'keep',
    normalize: optional(given.normalize, (v) => callback<(text: string) => string>(at('normalize'), v)),
    maxSymbols: optional(given.maxSymbols, (v) => integer(at('maxSymbols'), v, { min: 1 })),
  }
}

function corpusSource(
  field: string,
  value: unknown,
  { text: givenText, files }: { text?: unknown; files?: unknown },
): NormalCorpusOptions['source'] {
  if (givenText !== undefined && files !== undefined) {
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `${field} has both text and files: give exactly one of them`,
      field,
      value,
    })
  }
  if (givenText !== undefined) return { kind: 'text', text: text(fieldIn(field, 'text'), givenText) }
  if (files !== undefined) return { kind: 'files', files: filePaths(fieldIn(field, 'files'), files) }
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
