/** What a model of text consists of: a session of the engine, the vocabulary, and where its training stands. */
import type { CorpusSplit } from '../corpus/split.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import type { ChosenDevice } from '../device/chosen-device.ts'
import { RnnKitError } from '../errors.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { Session, TrainingState } from '../native/engine-session.ts'
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
  readonly split: CorpusSplit
  readonly train: Resident
  readonly validation: Resident | undefined
  readonly test: Resident | undefined
}

export interface CharParts {
  /** Another one after a GPU was lost: whoever waits for a turn asks for it then. */
  session: Session
  device: ChosenDevice
  /** Of a model on a GPU, for when that is lost. */
  snapshot: Snapshot | undefined
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
  disposed: boolean
}

/** All that `save` and `load` would bring back, but what no training changes. */
export interface Snapshot extends Pick<CharParts, 'recipe' | 'scheduleLost' | 'digest' | 'text'> {
  readonly parameters: Float32Array
  readonly training: TrainingState
  readonly position: Position
  /** Entries that the history had. */
  readonly entries: number
}

export function disposedError(): RnnKitError {
  return new RnnKitError({ code: 'ERR_DISPOSED', message: 'the model was disposed; load or train another' })
}

/** How the model must be asked unless options say otherwise: as it was trained. */
export function usualContext({ spec, recipe }: Pick<CharParts, 'spec' | 'recipe'>): Context {
  const separate = spec.head.predict === 'lastStep' && recipe.batches.order !== 'consecutive'
  return separate ? 'window' : 'carry'
}
