/** What a model of text consists of: a session of the engine, the vocabulary, and where its training stands. */
import type { Vocabulary } from '../corpus/vocabulary.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { Session } from '../native/engine-session.ts'
import type { Turns } from '../native/turns.ts'
import type { TextRules } from '../options/corpus.ts'
import type { Context } from '../options/sampling.ts'
import type { Recipe } from '../options/training.ts'
import type { Position } from '../training/position.ts'
import type { HistoryEntry } from '../training/progress.ts'

/** A part of the text, resident in the session. */
export interface Resident {
  /** Its number in the session. */
  readonly data: number
  readonly symbols: number
}

export interface ResidentText {
  /** The whole text. */
  readonly ids: Uint32Array
  readonly train: Resident
  readonly validation: Resident | undefined
  readonly test: Resident | undefined
}

export interface CharParts {
  readonly session: Session
  /** Calls of the session that belong together are made in one turn. */
  readonly turns: Turns
  readonly spec: ModelSpec
  readonly vocabulary: Vocabulary
  readonly rules: TextRules
  readonly history: HistoryEntry[]
  recipe: Recipe
  /** The schedule is a function that the file could not keep: training can go on only with a new optimizer. */
  scheduleLost: boolean
  position: Position
  /** SHA-256 of the training text's ids, in hexadecimal: whether positions still mean the same. */
  digest: string | undefined
  text: ResidentText | undefined
  /** Whether a training runs. */
  training: boolean
}

/** How the model must be asked unless options say otherwise: as it was trained. */
export function usualContext({ spec, recipe }: Pick<CharParts, 'spec' | 'recipe'>): Context {
  const separate = spec.head.predict === 'lastStep' && recipe.batches.order !== 'consecutive'
  return separate ? 'window' : 'carry'
}
