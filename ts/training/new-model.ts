/** Opens a new model on its device and trains it: once, for every kind of model. */
import type { EngineDoor } from '../device/engine-door.ts'
import { goesOnOnCpu, type OpenedDevice, openCpu, openDevice, type PlannedWork } from '../device/open-device.ts'
import { isDeviceLost, type RnnKitError, TrainingError } from '../errors.ts'
import type { ModelSpec } from '../model/spec.ts'
import { Turns } from '../native/turns.ts'
import type { Device } from '../options/device.ts'
import type { RunPlan } from '../options/training.ts'
import { warnOfLoss } from './device-loss.ts'
import { startAnew } from './further.ts'
import type { AnyRecipe, ModelParts, PlannedData } from './model-parts.ts'
import { startPosition } from './position.ts'

/** A model that there is not yet, but for what its kind adds. */
export interface Blank<R extends AnyRecipe> {
  readonly spec: ModelSpec
  readonly recipe: R
  readonly init: unknown
  /** [recurrent layers] NaN = as `init` says. */
  readonly forgetBiases: Float64Array
}

/**
 * A model that is ready to be trained, on the device of the options or, where a GPU fails it and they allow it, on the CPU.
 * @param own what its kind adds
 */
export async function openModel<R extends AnyRecipe, Own extends object>(
  blank: Blank<R>,
  own: Own,
  planned: PlannedData,
  { device, run, work, engine }: { device: Device; run: RunPlan; work: PlannedWork; engine: EngineDoor },
) {
  const readied = async (opening: Promise<OpenedDevice>) => {
    const parts = { ...newParts(await opening, blank), ...own }
    await initialise(parts, blank, run.signal, () => startAnew(parts, planned, blank.recipe, run))
    return parts
  }
  try {
    return await readied(openDevice(device, work, run.signal, engine))
  } catch (error) {
    if (!goesOnOnCpu(device, error)) throw error
    if (isDeviceLost(error)) warnOfLoss(error, 'the training begins on the CPU')
    const reason = `the GPU failed before the first step: ${(error as RnnKitError).message}`
    return await readied(openCpu(device, work, reason, engine))
  }
}

/** What every new model has. */
export function newParts<R extends AnyRecipe>({ session, device }: OpenedDevice, { spec, recipe }: Blank<R>) {
  return {
    session,
    device,
    snapshot: undefined,
    turns: new Turns(),
    spec,
    history: [],
    recipe,
    scheduleLost: false,
    position: startPosition(),
    digest: undefined,
    resident: undefined,
    training: false,
    disposed: false,
  } satisfies ModelParts as Omit<ModelParts, 'recipe' | 'resident'> & { recipe: R; resident: undefined }
}

/** Before anyone may hold the model: one that was never readied could neither be trained on nor saved. */
export async function initialise(
  { session }: ModelParts,
  { init, recipe, forgetBiases }: Blank<AnyRecipe>,
  signal: AbortSignal | undefined,
  ready: () => Promise<void>,
): Promise<void> {
  try {
    await session.initialize(init, recipe.seed, forgetBiases, signal)
    await ready()
  } catch (error) {
    session.close()
    throw error
  }
}

/** Trains; a model whose training fails before anyone was given it is disposed of. */
export async function trainOrDispose(
  model: { dispose(): void },
  run: RunPlan,
  train: (run: RunPlan) => Promise<void>,
): Promise<void> {
  const { onProgress } = run
  let given = false
  const telling: RunPlan['onProgress'] = (progress) => {
    given = true
    return onProgress?.(progress)
  }
  try {
    await train({ ...run, onProgress: onProgress && telling })
  } catch (error) {
    if (!given && !(error instanceof TrainingError)) model.dispose()
    throw error
  }
}
