/** From the option `corpus` to the normalised text that a model is trained on. */
import { RnnKitError } from '../errors.ts'
import { fieldIn, refuse, wellFormed } from '../options/check.ts'
import type { NormalCorpusOptions } from '../options/corpus.ts'
import { atOnce, inSlices, type Sliced } from '../slices.ts'
import { LONGEST_TEXT, readTextFile } from './read-file.ts'
import { takeSymbols, type Unit } from './segment.ts'
import { lineSliceEnd } from './text-slices.ts'

/**
 * The corpus as one well-formed, non-empty string: read, `newlines`, `lowercase`, `normalize`, then the first
 * `maxSymbols` symbols. A byte order mark is dropped once at the beginning of each file, and kept in `text`.
 * @param unit the vocabulary's unit, in which `maxSymbols` counts
 * @throws the signal's reason; ERR_CORPUS_EMPTY, ERR_CORPUS_FILE, ERR_INVALID_UTF8, ERR_INVALID_OPTION or ERR_LONE_SURROGATE (`normalize`)
 */
export async function readCorpus(corpus: NormalCorpusOptions, unit: Unit, signal?: AbortSignal): Promise<string> {
  const { field, source, maxSymbols } = corpus
  const read = source.kind === 'text' ? source.text : await readFiles(fieldIn(field, 'files'), source, signal)
  const normal = await inSlices(normalising(read, corpus), signal)
  const kept = maxSymbols === undefined ? normal : await inSlices(takeSymbols(normal, unit, maxSymbols), signal)
  if (kept !== '') return kept
  throw new RnnKitError({
    code: 'ERR_CORPUS_EMPTY',
    message: `${field} has no text${read === '' ? '' : ' left after normalising'}: it must have at least one symbol`,
    field,
    value: '',
  })
}

type Files = Extract<NormalCorpusOptions['source'], { kind: 'files' }>

async function readFiles(field: string, { files, invalid }: Files, signal?: AbortSignal): Promise<string> {
  const texts: string[] = []
  let length = 0
  for (const [i, path] of files.entries()) {
    const text = await readTextFile(`${field}[${i}]`, path, invalid, signal)
    length += text.length
    if (length > LONGEST_TEXT) {
      throw new RnnKitError({
        code: 'ERR_CORPUS_FILE',
        message: `${field}[${i}] makes the corpus too large: it can have at most ${LONGEST_TEXT.toLocaleString('en')} UTF-16 code units in all`,
        field: `${field}[${i}]`,
        value: path,
      })
    }
    texts.push(text)
  }
  return texts.join('')
}

type NormaliseOptions = Pick<NormalCorpusOptions, 'field' | 'newlines' | 'lowercase' | 'normalize'>

/** `normalising` at once. */
export function normaliseText(text: string, options: NormaliseOptions): string {
  return atOnce(normalising(text, options))
}

/** `newlines`, `lowercase` and `normalize` of the corpus options, in this order; also for text met after training. */
export function* normalising(text: string, options: NormaliseOptions): Sliced<string> {
  const cased = yield* withRules(text, options)
  if (options.normalize === undefined) return cased
  const field = fieldIn(options.field, 'normalize')
  const normal = callNormalize(field, options.normalize, cased)
  if (typeof normal !== 'string') {
    return refuse(field, normal ?? null, 'a function that returns a string')
  }
  return wellFormed(field, normal)
}

function* withRules(text: string, { newlines, lowercase }: NormaliseOptions): Sliced<string> {
  if (newlines === 'keep' && !lowercase) return text
  const slices: string[] = []
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = lineSliceEnd(text, from)
    const slice = text.slice(from, to)
    const lines = newlines === 'space' ? slice.replace(/\r\n?|\n/g, ' ') : slice
    slices.push(lowercase ? lines.toLowerCase() : lines)
    yield
  }
  return slices.join('')
}

function callNormalize(field: string, normalize: (text: string) => unknown, text: string): unknown {
  try {
    return normalize(text)
  } catch (cause) {
    const message = `${field} threw: it must be a function that returns a string`
    throw new RnnKitError({ code: 'ERR_INVALID_OPTION', message, field, cause })
  }
}
