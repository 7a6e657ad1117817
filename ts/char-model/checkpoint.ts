/** What of a model of text goes into a file as metadata and tensors, and back with everything checked. */
import type { Vocabulary } from '../corpus/vocabulary.ts'
import { checkKeys, FoundTensors, readOptions, type StoredTensor, type TensorRule } from '../model/model-file.ts'
import {
  foundVocabulary,
  readTextOptions,
  TEXT_KEYS,
  textOptions,
  VOCABULARY_TENSORS,
  vocabularyTensors,
} from '../model/text-file.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { record } from '../options/check.ts'
import type { TextRules } from '../options/corpus.ts'
import { type Recipe, recipeOptions } from '../options/training.ts'
import type { SavedState } from '../training/load-model.ts'
import {
  foundTraining,
  readTrainingOptions,
  TRAINED_KEYS,
  TRAINING_KEYS,
  TRAINING_TENSORS,
  trainingOptions,
  trainingTensors,
} from '../training/training-file.ts'

/** Everything of a model but its parameters, moments and carry, which the engine writes. */
export interface CharState extends SavedState<Recipe> {
  readonly vocabulary: Vocabulary
  readonly rules: TextRules
}

const KIND = 'char-model'

/** The tensors that a file must hold beside the engine's. */
export const CHAR_TENSORS: readonly TensorRule[] = [...VOCABULARY_TENSORS, ...TRAINING_TENSORS]

export function charToFile(state: CharState): { metadata: Record<string, string>; tensors: FileTensor[] } {
  const { vocabulary, rules } = state
  const options = { ...textOptions(vocabulary, rules), ...trainingOptions(state) }
  return {
    metadata: { kind: KIND, options: JSON.stringify(options) },
    tensors: [...vocabularyTensors(vocabulary), ...trainingTensors(state)],
  }
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_VOCABULARY, ERR_CHECKPOINT_TENSOR */
export function charFromFile(metadata: Record<string, string>, tensors: readonly StoredTensor[]): CharState {
  checkKeys(metadata, KIND, TRAINED_KEYS)
  const { unit, unknown, ...options } = readOptions(metadata, (value) => {
    const given = record('', value, [...TEXT_KEYS, ...TRAINING_KEYS])
    return { ...readTextOptions(given), ...readTrainingOptions(given, recipeOptions) }
  })
  const found = new FoundTensors(tensors)
  const vocabulary = foundVocabulary(found, { unit, unknown })
  return { ...options, vocabulary, ...foundTraining(found, options.recipe) }
}
