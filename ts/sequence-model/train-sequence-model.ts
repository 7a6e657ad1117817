/** Makes models of sequences: trained from the beginning, or untrained. */
import { stoppable } from '../aborted.ts'
import { hostDevice, namedDevice } from '../device/chosen-device.ts'
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import type { Probe } from '../device/step-time.ts'
import { checkMemory, memoryAvailable, momentBuffers } from '../model/memory.ts'
import {
  checkSizes,
  forgetBiases,
  isClassifier,
  type ModelSpec,
  outputWidth,
  stackSpec,
  symbolInput,
} from '../model/spec.ts'
import { refuse } from '../options/check.ts'
import type { Device } from '../options/device.ts'
import { type GivenData, outputsOf } from '../options/sequence-data.ts'
import {
  type CreateSequenceModelOptions,
  createSequenceModelOptions,
  type SequenceModelPlan,
  type SequenceRecipe,
  type SequenceStack,
  type TrainSequenceModelOptionsOf,
  trainSequenceModelOptions,
} from '../options/sequence-model.ts'
import { keepSnapshot } from '../training/device-loss.ts'
import { refuseLongWarmup, runPlanned, trainExclusively } from '../training/further.ts'
import { initialise, newParts, openModel, trainOrDispose } from '../training/new-model.ts'
import { setupOf } from '../training/setup.ts'
import type { SequenceParts } from './parts.ts'
import { type PlannedRows, planSource, sourceOf } from './plan-data.ts'
import { SequenceModel } from './sequence-model.ts'
import { SEQUENCES } from './training.ts'

/** `data`, `loss` and one of `epochs` and `steps` are required; `vocabulary` where inputs are symbol ids. */
export type TrainSequenceModelOptions = TrainSequenceModelOptionsOf<SequenceModel>

/**
 * Trains a model of sequences: rows of symbols or numbers, or windows of one long sequence.
 *
 * @throws RnnKitError before any work for bad options and data (ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_MISSING_OPTION), size
 *   (ERR_MEMORY) and device (ERR_DEVICE_…), or ERR_ABORTED; later TrainingError with the model, as `trainCharModel`
 */
export async function trainSequenceModel(options: TrainSequenceModelOptions): Promise<SequenceModel> {
  return await trainPlanned(trainSequenceModelOptions(options))
}

/** The same, from checked options. */
export async function trainPlanned(plan: SequenceModelPlan, engine: EngineDoor = ENGINE): Promise<SequenceModel> {
  const { stack, data, recipe, run, device } = plan
  const spec = specOf(stack, data, recipe.unrollLength !== undefined)
  const planned = planSource(sourceOf(data, plan.validationData, spec, recipe), spec, recipe)
  refuseLongWarmup(recipe, run, planned)
  const parts = await stoppable('the preparation of the training', run.signal, () =>
    openSequenceModel({ stack, spec, recipe, run, device }, planned, engine),
  )
  const model = new SequenceModel(parts)
  await trainExclusively(parts, () =>
    trainOrDispose(model, run, (told) => runPlanned(model, parts, planned, told, SEQUENCES)),
  )
  return model
}

/** A model that is ready to be trained on those data. */
export async function openSequenceModel(
  {
    stack,
    spec,
    recipe,
    run,
    device,
  }: Pick<SequenceModelPlan, 'stack' | 'recipe' | 'run' | 'device'> & { spec: ModelSpec },
  planned: PlannedRows,
  engine: EngineDoor,
): Promise<SequenceParts> {
  const { lanes, time, data, training } = planned
  const available = checkModel(stack, spec, recipe, { lanes, time, device: device.name })
  if (device.name === 'gpu') await engine.check(namedDevice(device, 'gpu').engine)
  // As many rows as a few batches have, or the beginning of one long sequence.
  const probe: Probe =
    recipe.unrollLength === undefined
      ? { sequence: data.sequence, starts: training.starts, lengths: training.lengths }
      : { sequence: data.sequence, starts: Uint32Array.of(0), lengths: undefined }
  const work = { spec, available, setup: setupOf(recipe), lanes, time, probe }
  const blank = { spec, recipe, init: stack.init, forgetBiases: forgetBiases(stack) }
  return await openModel(blank, {}, planned, { device, run, work, engine })
}

/**
 * A model of sequences with initial values and without a training: for parameters of one's own (`setParameter`), or to be trained later.
 * @throws as `trainSequenceModel`
 */
export async function createSequenceModel(options: CreateSequenceModelOptions): Promise<SequenceModel> {
  const { stack, recipe, device } = createSequenceModelOptions(options)
  const spec = specOf(stack, undefined)
  const available = checkModel(stack, spec, recipe, { lanes: 1, time: 1, device: device.name })
  const chosen =
    device.name === 'auto'
      ? hostDevice(device, 'cpu', "device is 'auto', and there are no steps to measure")
      : namedDevice(device, device.name)
  const session = await ENGINE.open(spec, chosen.engine, available)
  const blank = { spec, recipe, init: stack.init, forgetBiases: forgetBiases(stack) }
  const parts: SequenceParts = newParts({ session, device: chosen }, blank)
  await initialise(parts, blank, undefined, async () => {
    await session.configure(setupOf(recipe))
    await keepSnapshot(parts)
  })
  return new SequenceModel(parts)
}

/**
 * The engine's spec, whose widths are those of the options or of the data.
 * @param stream whether windows are cut from one long sequence
 * @throws ERR_INVALID_OPTION, ERR_MISSING_OPTION
 */
export function specOf(stack: SequenceStack, data: GivenData | undefined, stream = false): ModelSpec {
  const { vocabulary, projection } = stack
  if (vocabulary === undefined && data?.inputs instanceof Int32Array) {
    refuse('vocabulary', undefined, 'given, for inputs are symbol ids: how many there are')
  }
  const features = stack.features ?? data?.features ?? 1
  const input = vocabulary === undefined ? ({ kind: 'real', size: features } as const) : symbolInput(stack, vocabulary)
  const spec = stackSpec(stack, input, { size: headSize(stack, data, stream), projection }, stack.loss)
  if (projection === 'identity' && spec.head.size !== outputWidth(spec)) {
    refuse('outputs', spec.head.size, `${outputWidth(spec)}, the last layer's width, with projection 'identity'`)
  }
  return spec
}

function headSize(stack: SequenceStack, data: GivenData | undefined, stream: boolean): number {
  if (stack.outputs !== undefined) return stack.outputs
  if (isClassifier(stack)) {
    return stack.vocabulary ?? refuse('outputs', undefined, 'given without a vocabulary: how many classes there are')
  }
  if (data === undefined) return 1
  return outputsOf(data, stack.predict === 'last-step' && !stream)
}

/** The bytes that the engine may take. @throws ERR_MEMORY, ERR_INVALID_OPTION */
function checkModel(
  stack: SequenceStack,
  spec: ModelSpec,
  { optimizer, unrollLength }: SequenceRecipe,
  size: { lanes: number; time: number; device: Device['name'] },
): number {
  const available = memoryAvailable()
  const times = unrollLength === undefined ? 'data.shape[1]' : 'unrollLength'
  const widths = stack.listed ? 'layers' : 'hiddenSize'
  checkMemory(spec, { moments: momentBuffers(optimizer.spec), ...size }, available, widths, times)
  checkSizes(stack)
  return available
}
