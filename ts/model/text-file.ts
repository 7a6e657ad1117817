/** What every model of text has in its file: vocabulary and rules of its text, as tensors and metadata, and back with everything checked. */
import { UNITS, type Unit } from '../corpus/segment.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import { vocabularyFromTensors, vocabularyToTensors } from '../corpus/vocabulary-tensors.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { boolean, oneOf } from '../options/check.ts'
import type { TextRules } from '../options/corpus.ts'
import { UNKNOWN_POLICIES, type UnknownPolicy } from '../options/vocabulary.ts'
import { type FoundTensors, fileTensor, type TensorRule } from './model-file.ts'

const VOCABULARY = { text: 'vocabulary.text', offsets: 'vocabulary.offsets', counts: 'vocabulary.counts' } as const

/** Those of `vocabularyTensors`. */
export const VOCABULARY_TENSORS: readonly TensorRule[] = [
  { name: VOCABULARY.text, dtype: 'U8', rank: 1, optional: false },
  { name: VOCABULARY.offsets, dtype: 'U32', rank: 1, optional: false },
  { name: VOCABULARY.counts, dtype: 'U32', rank: 1, optional: false },
]

export function vocabularyTensors(vocabulary: Vocabulary): FileTensor[] {
  const { text, offsets, counts } = vocabularyToTensors(vocabulary)
  return [
    fileTensor(VOCABULARY.text, 'U8', text),
    fileTensor(VOCABULARY.offsets, 'U32', offsets),
    fileTensor(VOCABULARY.counts, 'U32', counts),
  ]
}

/** Keys of `textOptions`. */
export const TEXT_KEYS = ['unit', 'unknown', 'lowercase', 'newlines'] as const

/** What the metadata tells of the vocabulary and of the text's rules. */
export function textOptions({ unit, unknown }: Vocabulary, { lowercase, newlines }: TextRules) {
  return { unit, unknown, lowercase, newlines }
}

/** The same read back. @throws ERR_INVALID_OPTION, ERR_MISSING_OPTION */
export function readTextOptions(given: { readonly [K in (typeof TEXT_KEYS)[number]]?: unknown }) {
  const rules: TextRules = {
    lowercase: boolean('lowercase', given.lowercase),
    newlines: oneOf('newlines', given.newlines, ['keep', 'space']),
  }
  return {
    unit: oneOf('unit', given.unit, UNITS),
    unknown: oneOf('unknown', given.unknown, UNKNOWN_POLICIES),
    rules,
  }
}

/** @throws ERR_CHECKPOINT_VOCABULARY, ERR_CHECKPOINT_TENSOR */
export function foundVocabulary(
  found: FoundTensors,
  options: { readonly unit: Unit; readonly unknown: UnknownPolicy },
): Vocabulary {
  const tensors = {
    text: new Uint8Array(found.buffer(VOCABULARY.text)),
    offsets: new Uint32Array(found.buffer(VOCABULARY.offsets)),
    counts: new Uint32Array(found.buffer(VOCABULARY.counts)),
  }
  return vocabularyFromTensors(tensors, options)
}
