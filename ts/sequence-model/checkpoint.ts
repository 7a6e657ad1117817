/** What of a model of sequences goes into a file as metadata and tensors, and back with everything checked. */
import { checkKeys, FoundTensors, readOptions, type StoredTensor } from '../model/model-file.ts'
import { record } from '../options/check.ts'
import { type SequenceRecipe, sequenceRecipe } from '../options/sequence-model.ts'
import type { FileKind, SavedState } from '../training/load-model.ts'
import type { ModelFile } from '../training/trained-model.ts'
import {
  foundTraining,
  readTrainingOptions,
  TRAINED_KEYS,
  TRAINING_KEYS,
  TRAINING_TENSORS,
  trainingOptions,
  trainingTensors,
} from '../training/training-file.ts'

const KIND = 'sequence-model'

type SequenceState = SavedState<SequenceRecipe>

export function sequenceToFile(state: SequenceState): ModelFile {
  return {
    metadata: { kind: KIND, options: JSON.stringify(trainingOptions(state)) },
    tensors: trainingTensors(state),
  }
}

export const SEQUENCE_FILE: FileKind<SequenceState> = {
  kind: KIND,
  tensors: TRAINING_TENSORS,
  read: sequenceFromFile,
  check: () => {},
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_TENSOR */
function sequenceFromFile(metadata: Record<string, string>, tensors: readonly StoredTensor[]): SequenceState {
  checkKeys(metadata, KIND, TRAINED_KEYS)
  const options = readOptions(metadata, (value) =>
    readTrainingOptions(record('', value, TRAINING_KEYS), sequenceRecipe),
  )
  return { ...options, ...foundTraining(new FoundTensors(tensors), options.recipe) }
}
