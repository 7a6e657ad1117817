/** What an n-gram model consists of; nothing of it changes. */
import type { Vocabulary } from '../corpus/vocabulary.ts'
import type { TextRules } from '../options/corpus.ts'
import type { GramTable } from './gram-table.ts'
import type { Smoothing } from './probabilities.ts'

/** A text's score, summed over its symbols. */
export interface Score {
  readonly nats: number
  /** Symbols predicted. */
  readonly count: number
}

/** Scores of the shares that were kept from counting; `undefined` = there was no such share. */
export interface Scores {
  readonly validation: Score | undefined
  readonly test: Score | undefined
}

export interface NgramParts extends Smoothing {
  readonly grams: GramTable
  readonly vocabulary: Vocabulary
  readonly rules: TextRules
  readonly scores: Scores
}
