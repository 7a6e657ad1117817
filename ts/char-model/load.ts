/** Reads a model of text from a file: the engine checks the file, then everything in it is put back where it was. */

import { RnnKitError } from '../errors.ts'
import { checkMemory, memoryAvailable } from '../model/memory.ts'
import type { ModelSpec } from '../model/spec.ts'
import { openSession } from '../native/engine-session.ts'
import { openCheckpoint } from '../native/native-session.ts'
import { Turns } from '../native/turns.ts'
import { type Device, loadOptions, pathOption } from '../options/train-char-model.ts'
import { FILE_TENSORS, fromFile } from './checkpoint.ts'
import { namingFile } from './naming-file.ts'
import type { CharParts } from './parts.ts'
import { setupOf } from './training.ts'

/** @throws ERR_CHECKPOINT_…, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_UNAVAILABLE */
export async function loadCharModel(path: unknown, options: unknown): Promise<CharParts> {
  const { device, maxFileBytes } = loadOptions(options)
  const file = pathOption('path', path)
  return await namingFile(file, () => read(file, maxFileBytes, device))
}

async function read(file: string, maxFileBytes: number, device: Device): Promise<CharParts> {
  const opened = await openCheckpoint(file, maxFileBytes, JSON.stringify(FILE_TENSORS))
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
  const moments = opened.moments ?? []
  const available = memoryAvailable()
  checkMemory(spec, { moments: moments.length, lanes: 1, time: 1, device: device.name }, available, 'model')
  const session = await openSession(spec, device.name, device.threads, available)
  try {
    await session.setParameters(opened.parameters)
    await session.configure(setup)
    const { carryLanes = 0, carry = new Float32Array() } = opened
    await session.restore({ steps: state.position.steps, moments, carryLanes, carry })
  } catch (error) {
    session.close()
    throw error
  }
  const history = [...state.history]
  return { ...state, history, session, turns: new Turns(), spec, text: undefined, training: false }
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
