/** What a model of sequences has beside what every model has: its data, as rows or as windows of one long sequence. */
import type { Examples } from '../batches/examples.ts'
import { isClassifier, type ModelSpec } from '../model/spec.ts'
import type { DataForm } from '../options/sequence-data.ts'
import type { SequenceRecipe } from '../options/sequence-model.ts'
import type { ModelParts, ResidentData } from '../training/model-parts.ts'
import type { SequenceSource } from './data.ts'

/** Examples in data that lie in the session. */
export interface ResidentExamples extends Examples {
  /** Number of the data. */
  readonly data: number
}

export interface ResidentRows extends ResidentData {
  /** The data as they were given; another training may cut them otherwise. */
  readonly source: SequenceSource
  /** What of the recipe says which parts are kept from training. */
  readonly kept: readonly unknown[]
  readonly validation: ResidentExamples | undefined
  readonly test: ResidentExamples | undefined
}

export interface SequenceParts extends ModelParts {
  recipe: SequenceRecipe
  resident: ResidentRows | undefined
}

/** What data of that model must agree with. @param perRow one target a row, at its last step */
export function formOf(spec: ModelSpec, perRow: boolean): DataForm {
  const { input, head } = spec
  const vocabulary = input.kind === 'real' ? undefined : input.vocabulary
  const features = input.kind === 'real' ? input.size : 1
  return { vocabulary, features, outputs: head.size, classifier: isClassifier(spec), perRow }
}
