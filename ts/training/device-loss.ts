/** What becomes of a model whose GPU is lost: it goes on on the CPU from the last snapshot, which is kept in this process's memory. */
import { type ChosenDevice, hostDevice } from '../device/chosen-device.ts'
import { isDeviceLost, RnnKitError } from '../errors.ts'
import { memoryAvailable } from '../model/memory.ts'
import { openSession, type TrainingState } from '../native/engine-session.ts'
import { disposedError, type ModelParts } from './model-parts.ts'
import { setupOf } from './setup.ts'
import { failedDevice } from './training-error.ts'
import type { Protection } from './training-loop.ts'

/**
 * Milliseconds between two snapshots: reading parameters and moments back takes some tens of them even for a large model, a thousandth
 * of the time; and half a minute's work is soon done again.
 */
const SNAPSHOT_MS = 30_000

/** Keeps a model on a GPU as it is now; one that runs elsewhere needs none. In a turn of its own. */
export async function keepSnapshot(parts: ModelParts): Promise<void> {
  if (parts.device.engine.name !== 'gpu') return
  const parameters = await parts.session.readParameters()
  snapshotOf(parts, parameters, await parts.session.trainingState())
}

/** Keeps what a model on a GPU was just made of. */
export function snapshotOf(parts: ModelParts, parameters: Float32Array, training: TrainingState): void {
  if (parts.device.engine.name !== 'gpu') return
  const { recipe, scheduleLost, digest, resident, history } = parts
  const position = structuredClone(parts.position)
  parts.snapshot = { recipe, scheduleLost, digest, resident, parameters, training, position, entries: history.length }
}

/** How a training on a GPU outlives it; `undefined` on other devices. */
export function protection<Model>(model: Model, parts: ModelParts): Protection | undefined {
  if (parts.device.engine.name !== 'gpu') return undefined
  return {
    everyMs: SNAPSHOT_MS,
    keep: () => keepSnapshot(parts),
    recover: async (error) => {
      const { onLost, byAuto } = parts.device
      await moveToCpu(parts, error)
      // Work that a GPU refuses is the affair of who asked for it; 'auto' was asked for a training.
      const goesOn = isDeviceLost(error) ? onLost === 'cpu' : byAuto
      if (!goesOn) throw failedDevice(model, parts.position.steps, error)
      warnOfTraining(parts, error)
    },
  }
}

/** Puts a model whose training could not begin because the GPU is lost onto the CPU, for another try. @throws the error if it may not */
export async function moveForTraining(parts: ModelParts, error: unknown): Promise<void> {
  if (!isDeviceLost(error) || parts.device.onLost === 'error' || parts.snapshot === undefined) throw error
  await parts.turns.take(() => moveToCpu(parts, error))
  warnOfTraining(parts, error)
}

function warnOfTraining({ position }: ModelParts, lost: RnnKitError): void {
  warnOfLoss(lost, `the training goes on on the CPU from step ${position.steps}`)
}

/**
 * Runs a call outside of trainings. If it finds the GPU lost, it fails, but the model is on the CPU then, as it was at the last snapshot;
 * a training that runs sees to that by itself.
 */
export async function heedingLoss<T>(parts: ModelParts, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw await afterLoss(parts, error)
  }
}

/** As `heedingLoss`, for a call that only reads the model: it is made again on the CPU if the options allow and no step was lost. */
export async function outlivingLoss<T>(parts: ModelParts, task: () => Promise<T>): Promise<T> {
  const before = standing(parts)
  try {
    return await task()
  } catch (error) {
    await refuseAgain(parts, error, before)
    return await task()
  }
}

/** As `outlivingLoss`, for pieces; those that come after the first cannot be begun again. */
export async function* piecesOutlivingLoss(
  parts: ModelParts,
  begin: () => AsyncGenerator<string>,
): AsyncGenerator<string, void, undefined> {
  const before = standing(parts)
  let begun = false
  try {
    for await (const piece of begin()) {
      begun = true
      yield piece
    }
    return
  } catch (error) {
    if (begun) throw await afterLoss(parts, error)
    await refuseAgain(parts, error, before)
  }
  yield* begin()
}

/** Where a call found the model. */
interface Standing {
  readonly device: ChosenDevice
  readonly steps: number
}

function standing({ device, position: { steps } }: ModelParts): Standing {
  return { device, steps }
}

/** Throws unless the model has come from a lost GPU to the CPU as it was, and the call may be made again there. */
async function refuseAgain(parts: ModelParts, error: unknown, { device, steps }: Standing): Promise<void> {
  const failure = await afterLoss(parts, error)
  const moved = isDeviceLost(error) && parts.device !== device
  if (!moved || device.onLost === 'error' || parts.training || parts.position.steps !== steps) throw failure
  warnOfLoss(error, 'the call is made again on the CPU')
}

/** What to throw instead of the error. */
async function afterLoss(parts: ModelParts, error: unknown): Promise<unknown> {
  const { snapshot } = parts
  if (!isDeviceLost(error) || parts.training || snapshot === undefined) return error
  try {
    await parts.turns.take(() => moveToCpu(parts, error))
  } catch (cause) {
    return cause
  }
  const message = `${error.message}. The model is on the CPU now, as it was at step ${snapshot.position.steps}: call again`
  return new RnnKitError({ code: error.code, message, field: error.field, value: error.value, cause: error })
}

/** Puts the model onto the CPU as the last snapshot has it. In a turn of its own; does nothing for a model that is no longer on a GPU. */
async function moveToCpu(parts: ModelParts, failure: RnnKitError): Promise<void> {
  const { snapshot, device } = parts
  if (device.engine.name !== 'gpu') return
  if (snapshot === undefined) throw failure
  const reason = `the GPU ${isDeviceLost(failure) ? 'was lost' : 'failed'} after step ${parts.position.steps}`
  const host = hostDevice({ ...device.engine, onLost: device.onLost }, 'cpu', reason)
  const session = await openSession(parts.spec, host.engine, memoryAvailable())
  try {
    await session.setParameters(snapshot.parameters)
    await session.configure(setupOf(snapshot.recipe))
    await session.restore(snapshot.training)
    const resident = await snapshot.resident?.reload(session)
    if (parts.disposed) throw disposedError()
    parts.session.close()
    const { recipe, scheduleLost, digest } = snapshot
    Object.assign(parts, { session, device: host, resident, snapshot: undefined, recipe, scheduleLost, digest })
  } catch (error) {
    session.close()
    throw error
  }
  // The plan of a training that runs is not what was lost.
  const totalSteps = Math.max(parts.position.totalSteps, snapshot.position.totalSteps)
  Object.assign(parts.position, snapshot.position, { totalSteps })
  parts.history.length = snapshot.entries
}

/** @param consequence what happens now, as a clause */
export function warnOfLoss(error: unknown, consequence: string): void {
  const reason = error instanceof Error ? error.message : String(error)
  process.emitWarning(`${reason}. Here ${consequence}.`, { code: 'RNNKIT_DEVICE_LOST' })
}
