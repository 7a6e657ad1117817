/** What a model of text has beside what every model has: vocabulary, rules and its text. */
import type { CorpusSplit } from '../corpus/split.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import { refuseCarry } from '../options/bidirectional.ts'
import type { TextRules } from '../options/corpus.ts'
import type { Context } from '../options/sampling.ts'
import type { Recipe } from '../options/training.ts'
import type { ModelParts, ResidentData } from '../training/model-parts.ts'

/** A part of the text, resident in the session. */
export interface ResidentPart {
  /** Its number in the session. */
  readonly data: number
  readonly symbols: number
}

export interface ResidentText extends ResidentData {
  /** The whole text. */
  readonly ids: Uint32Array
  readonly split: CorpusSplit
  readonly validation: ResidentPart | undefined
  readonly test: ResidentPart | undefined
}

export interface CharParts extends ModelParts {
  readonly vocabulary: Vocabulary
  readonly rules: TextRules
  recipe: Recipe
  resident: ResidentText | undefined
}

/** How the model must be asked unless options say otherwise: as it was trained. */
export function usualContext({ spec, recipe }: Pick<CharParts, 'spec' | 'recipe'>): Context {
  const separate = spec.head.predict === 'lastStep' && recipe.batches.resetCarry === 'batch'
  return separate ? 'window' : 'carry'
}

/**
 * The context that a call asks for, or the usual one.
 * @throws ERR_INVALID_OPTION for the carry of a model in two directions
 */
export function contextOf(parts: Pick<CharParts, 'spec' | 'recipe'>, field: string, asked?: Context): Context {
  refuseCarry(parts.spec, field, asked)
  return asked ?? usualContext(parts)
}
