/** What a trained model consists of, whatever its data are: a session of the engine, and where its training stands. */
import type { BatchPlan } from '../batches/index.ts'
import type { ChosenDevice } from '../device/chosen-device.ts'
import { RnnKitError } from '../errors.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { Session, TrainingState } from '../native/engine-session.ts'
import type { Turns } from '../native/turns.ts'
import type { Recipe } from '../options/training.ts'
import type { Sliced } from '../slices.ts'
import type { Position } from './position.ts'
import type { HistoryEntry } from './progress.ts'

/** A recipe of any kind of model: where windows are whole sequences, no `unrollLength` says how long they are. */
export type AnyRecipe = Recipe<number | undefined>

export interface ModelParts {
  /** Another one after a GPU was lost: whoever waits for a turn asks for it then. */
  session: Session
  device: ChosenDevice
  /** Of a model on a GPU, for when that is lost. */
  snapshot: Snapshot | undefined
  /** Calls of the session that belong together are made in one turn. */
  readonly turns: Turns
  readonly spec: ModelSpec
  readonly history: HistoryEntry[]
  recipe: AnyRecipe
  /** The schedule is a function that the file could not keep: training can go on only with a new optimizer. */
  scheduleLost: boolean
  position: Position
  /** SHA-256 of the training data, in hexadecimal: whether positions still mean the same. */
  digest: string | undefined
  /** The data trained on last; none since the model was loaded. */
  resident: ResidentData | undefined
  /** Whether a training runs. */
  training: boolean
  disposed: boolean
}

/** Data of a training that lie in the session. */
export interface ResidentData {
  /** The session's numbers of all of them. */
  readonly numbers: readonly number[]
  /** The number of those that are trained on. */
  readonly trainingData: number
  /** Parts that are kept from training; `undefined` = none. */
  readonly validation: unknown
  readonly test: unknown
  /** Hands the same data to another session. */
  reload(session: Session): Promise<ResidentData>
}

/** Data that fit a recipe, and the windows over them. */
export interface PlannedData {
  readonly batches: BatchPlan
  /** N and T of a window. */
  readonly lanes: number
  readonly time: number
  /** SHA-256 of what is trained on. */
  digesting(): Sliced<string>
  /** Whether these are the very data. */
  isIn(resident: ResidentData): boolean
  load(session: Session): Promise<ResidentData>
}

/** All that `save` and `load` would bring back, but what no training changes. */
export interface Snapshot extends Pick<ModelParts, 'recipe' | 'scheduleLost' | 'digest' | 'resident'> {
  readonly parameters: Float32Array
  readonly training: TrainingState
  readonly position: Position
  /** Entries that the history had. */
  readonly entries: number
}

export function disposedError(): RnnKitError {
  return new RnnKitError({ code: 'ERR_DISPOSED', message: 'the model was disposed; load or train another' })
}

/** Hands data to the session, unless they lie there already, and takes those of the training before away. */
export async function makeResident(parts: ModelParts, planned: PlannedData): Promise<void> {
  const { session, resident: old } = parts
  if (old !== undefined && planned.isIn(old)) return
  parts.resident = undefined
  for (const number of old?.numbers ?? []) await session.unload(number)
  parts.resident = await planned.load(session)
}

/** @throws ERR_MISSING_OPTION for a model that was given none since it was loaded; `field` names the option that has them */
export function residentOf<Resident extends ResidentData>(
  { resident }: { readonly resident: Resident | undefined },
  field: string,
): Resident {
  if (resident === undefined) throw missingData(field)
  return resident
}

export function missingData(field: string): RnnKitError {
  const message = `${field} is missing: files hold no data, so a loaded model must be given some to train on`
  return new RnnKitError({ code: 'ERR_MISSING_OPTION', message, field })
}
