/** Reads a model from a file: the engine checks the file, then everything in it is put back where it was; once, for every kind of model. */
import { type ChosenDevice, hostDevice, namedDevice } from '../device/chosen-device.ts'
import type { EngineDoor } from '../device/engine-door.ts'
import { goesOnOnCpu } from '../device/open-device.ts'
import { RnnKitError } from '../errors.ts'
import { checkMemory, memoryAvailable } from '../model/memory.ts'
import { type ModelKind, openModelFile, type StoredTensor, type TensorRule } from '../model/model-file.ts'
import { namingFile } from '../model/naming-file.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { NativeOpened } from '../native/native-session.ts'
import { Turns } from '../native/turns.ts'
import { loadOptions, pathOption } from '../options/train-char-model.ts'
import { snapshotOf, warnOfLoss } from './device-loss.ts'
import type { AnyRecipe, ModelParts } from './model-parts.ts'
import type { Position } from './position.ts'
import type { HistoryEntry } from './progress.ts'
import { setupOf } from './setup.ts'

/** Everything of a model but its parameters, moments and carry, which the engine writes. */
export interface SavedState<R extends AnyRecipe = AnyRecipe> {
  readonly recipe: R
  readonly scheduleLost: boolean
  readonly position: Position
  readonly history: readonly HistoryEntry[]
  readonly digest: string | undefined
}

/** A kind of file. */
export interface FileKind<State extends SavedState> {
  readonly kind: ModelKind
  readonly tensors: readonly TensorRule[]
  /** @throws ERR_CHECKPOINT_… */
  read(metadata: Record<string, string>, tensors: readonly StoredTensor[]): State
  /** Refuses a spec that does not go with the state. @throws anything: it becomes ERR_CHECKPOINT_HEADER */
  check(spec: ModelSpec, state: State): void
}

/** @throws ERR_CHECKPOINT_…, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_… */
export async function loadModel<State extends SavedState>(
  path: unknown,
  options: unknown,
  file: FileKind<State>,
  engine: EngineDoor,
) {
  const { device, maxFileBytes } = loadOptions(options)
  const name = pathOption('path', path)
  const chosen =
    device.name === 'auto'
      ? hostDevice(device, 'cpu', "device is 'auto', and a loaded model has no steps to measure")
      : namedDevice(device, device.name)
  if (device.name === 'gpu') await engine.check(chosen.engine)
  return await namingFile(name, async () => {
    const opened = await openModelFile(name, maxFileBytes, file.kind, file.tensors)
    try {
      return await restored(opened, file, chosen, engine)
    } catch (error) {
      if (!goesOnOnCpu(device, error)) throw error
      warnOfLoss(error, 'the model is loaded onto the CPU')
      const host = hostDevice(device, 'cpu', 'the GPU was lost while the model was loaded')
      return await restored(opened, file, host, engine)
    }
  })
}

/** A model without data to train on. */
type LoadedParts<State extends SavedState> = State &
  Omit<ModelParts, keyof SavedState | 'resident'> & { history: HistoryEntry[]; position: Position; resident: undefined }

async function restored<State extends SavedState>(
  opened: NativeOpened,
  file: FileKind<State>,
  device: ChosenDevice,
  engine: EngineDoor,
): Promise<LoadedParts<State>> {
  const state = file.read(JSON.parse(opened.metadata) as Record<string, string>, opened.extras)
  const spec = JSON.parse(opened.model) as ModelSpec
  checkForm(file, spec, state)
  checkTraining(opened, state)
  const { moments = [], carryLanes = 0, carry = new Float32Array() } = opened
  const available = memoryAvailable()
  checkMemory(spec, { moments: moments.length, lanes: 1, time: 1, device: device.engine.name }, available, 'model')
  const session = await engine.open(spec, device.engine, available)
  const training = { steps: state.position.steps, moments, carryLanes, carry }
  try {
    await session.setParameters(opened.parameters)
    await session.configure(setupOf(state.recipe))
    await session.restore(training)
  } catch (error) {
    session.close()
    throw error
  }
  const parts = {
    ...state,
    history: [...state.history],
    session,
    device,
    snapshot: undefined,
    turns: new Turns(),
    spec,
    resident: undefined,
    training: false,
    disposed: false,
  }
  snapshotOf(parts, opened.parameters, training)
  return parts
}

/** What no training of this kind could have come to. */
function checkForm<State extends SavedState>(file: FileKind<State>, spec: ModelSpec, state: State): void {
  try {
    file.check(spec, state)
  } catch (cause) {
    const { message, field } = cause as RnnKitError
    if (message.startsWith('metadata.')) throw cause
    const place = `metadata.${field}`
    throw new RnnKitError({ code: 'ERR_CHECKPOINT_HEADER', message: `metadata.model: ${message}`, field: place, cause })
  }
}

/** Recipe and position, as TypeScript knows them, against the engine's record. */
function checkTraining(opened: NativeOpened, { recipe, position }: SavedState): void {
  const { optimizer, clip, seed, steps } = JSON.parse(opened.training ?? '{}') as { [key: string]: unknown }
  const setup = setupOf(recipe)
  for (const [key, stored, told] of [
    ['optimizer', optimizer, setup.optimizer],
    ['clip', clip, setup.clip],
    ['seed', seed, setup.seed],
    ['steps', steps, position.steps],
  ] as const) {
    if (!sameFields(stored, told)) refuseMismatch(key, JSON.stringify(stored), JSON.stringify(told))
  }
}

/** The engine writes its numbers as it likes (5 or 5.0) and its fields in its own order. */
function sameFields(stored: unknown, told: unknown): boolean {
  const sorted = (value: unknown) =>
    typeof value === 'object' && value !== null ? JSON.stringify(Object.entries(value).sort()) : JSON.stringify(value)
  return sorted(stored) === sorted(told)
}

/** @throws ERR_CHECKPOINT_HEADER */
export function refuseMismatch(what: string, has: string, wants: string): never {
  const message = `metadata.training and metadata.options disagree on ${what}: ${has} and ${wants}`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_HEADER', message, field: `metadata.${what}` })
}
