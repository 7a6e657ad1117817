/** Reads a model of text from a file: the engine checks the file, then everything in it is put back where it was. */

import { type ChosenDevice, hostDevice, namedDevice } from '../device/chosen-device.ts'
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import { goesOnOnCpu } from '../device/open-device.ts'
import { RnnKitError } from '../errors.ts'
import { checkMemory, memoryAvailable } from '../model/memory.ts'
import type { ModelSpec } from '../model/spec.ts'
import { type NativeOpened, openCheckpoint } from '../native/native-session.ts'
import { Turns } from '../native/turns.ts'
import { loadOptions, pathOption } from '../options/train-char-model.ts'
import { FILE_TENSORS, fromFile } from './checkpoint.ts'
import { snapshotOf, warnOfLoss } from './device-loss.ts'
import { namingFile } from './naming-file.ts'
import type { CharParts } from './parts.ts'
import { setupOf } from './setup.ts'

/** @throws ERR_CHECKPOINT_…, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_… */
export async function loadCharModel(path: unknown, options: unknown, engine: EngineDoor = ENGINE): Promise<CharParts> {
  const { device, maxFileBytes } = loadOptions(options)
  const file = pathOption('path', path)
  const chosen =
    device.name === 'auto'
      ? hostDevice(device, 'cpu', "device is 'auto', and a loaded model has no steps to measure")
      : namedDevice(device, device.name)
  if (device.name === 'gpu') await engine.check(chosen.engine)
  return await namingFile(file, async () => {
    const opened = await openCheckpoint(file, maxFileBytes, JSON.stringify(FILE_TENSORS))
    try {
      return await restored(opened, chosen, engine)
    } catch (error) {
      if (!goesOnOnCpu(device, error)) throw error
      warnOfLoss(error, 'the model is loaded onto the CPU')
      return await restored(opened, hostDevice(device, 'cpu', 'the GPU was lost while the model was loaded'), engine)
    }
  })
}

async function restored(opened: NativeOpened, device: ChosenDevice, engine: EngineDoor): Promise<CharParts> {
  const state = fromFile(JSON.parse(opened.metadata) as Record<string, string>, opened.extras)
  const spec = JSON.parse(opened.model) as ModelSpec
  if (spec.head.size !== state.vocabulary.size)
    throw mismatch('vocabulary', `${state.vocabulary.size} symbols`, `${spec.head.size}`)
  const { optimizer, clip, seed, steps } = JSON.parse(opened.training ?? '{}') as { [key: string]: unknown }
  const setup = setupOf(state.recipe)
  for (const [key, stored, told] of [
    ['optimizer', optimizer, setup.optimizer],
    ['clip', clip, setup.clip],
    ['seed', seed, setup.seed],
    ['steps', steps, state.position.steps],
  ] as const) {
    if (!sameFields(stored, told)) throw mismatch(key, JSON.stringify(stored), JSON.stringify(told))
  }
  const { moments = [], carryLanes = 0, carry = new Float32Array() } = opened
  const available = memoryAvailable()
  checkMemory(spec, { moments: moments.length, lanes: 1, time: 1, device: device.engine.name }, available, 'model')
  const session = await engine.open(spec, device.engine, available)
  const training = { steps: state.position.steps, moments, carryLanes, carry }
  try {
    await session.setParameters(opened.parameters)
    await session.configure(setup)
    await session.restore(training)
  } catch (error) {
    session.close()
    throw error
  }
  const parts: CharParts = {
    ...state,
    history: [...state.history],
    session,
    device,
    snapshot: undefined,
    turns: new Turns(),
    spec,
    text: undefined,
    training: false,
    disposed: false,
  }
  snapshotOf(parts, opened.parameters, training)
  return parts
}

/** The engine writes its numbers as it likes (5 or 5.0) and its fields in its own order. */
function sameFields(stored: unknown, told: unknown): boolean {
  const sorted = (value: unknown) =>
    typeof value === 'object' && value !== null ? JSON.stringify(Object.entries(value).sort()) : JSON.stringify(value)
  return sorted(stored) === sorted(told)
}

function mismatch(what: string, has: string, wants: string): RnnKitError {
  const message = `metadata.training and metadata.options disagree on ${what}: ${has} and ${wants}`
  return new RnnKitError({ code: 'ERR_CHECKPOINT_HEADER', message, field: `metadata.${what}` })
}
