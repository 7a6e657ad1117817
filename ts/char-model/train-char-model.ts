/** Trains a model of text from the beginning: options, text, vocabulary, session, training. */

import { stoppable } from '../aborted.ts'
import { readCorpus } from '../corpus/read-corpus.ts'
import { Vocabulary } from '../corpus/vocabulary.ts'
import { namedDevice } from '../device/chosen-device.ts'
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import { goesOnOnCpu, type OpenedDevice, openCpu, openDevice } from '../device/open-device.ts'
import { isDeviceLost, type RnnKitError, TrainingError } from '../errors.ts'
import { checkMemory, memoryAvailable, momentBuffers } from '../model/memory.ts'
import { checkSizes, forgetBiases, type ModelSpec, modelSpec } from '../model/spec.ts'
import { Turns } from '../native/turns.ts'
import { type CharModelPlan, type TrainCharModelOptionsOf, trainCharModelOptions } from '../options/train-char-model.ts'
import type { RunPlan } from '../options/training.ts'
import { inSlices } from '../slices.ts'
import { startPosition } from '../training/position.ts'
import { CharModel } from './char-model.ts'
import { warnOfLoss } from './device-loss.ts'
import type { CharParts } from './parts.ts'
import { type PlannedText, planText } from './plan-text.ts'
import { setupOf } from './setup.ts'
import { refuseLongWarmup, refuseUnknownPrefixes, runPlanned, startAnew, trainExclusively } from './training.ts'

/** Only `corpus` and one of `epochs` and `steps` are required. */
export type TrainCharModelOptions = TrainCharModelOptionsOf<CharModel>

/**
 * Trains a model of text.
 *
 * @throws RnnKitError before any work for bad options (ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_MISSING_OPTION), text (ERR_CORPUS_…,
 *   ERR_INVALID_UTF8, ERR_LONE_SURROGATE, ERR_VOCABULARY), size (ERR_MEMORY) and device (ERR_DEVICE_…); RnnKitError ERR_ABORTED for an
 *   abort while the text is read and the model set up, when there is none yet; later TrainingError with the model, as its last whole step
 *   left it (ERR_ABORTED, ERR_NON_FINITE, ERR_INVALID_OPTION for a schedule that gives no rate) or as its last snapshot has it
 *   (of a GPU ERR_DEVICE_LOST, ERR_DEVICE_FAILED, ERR_MEMORY); whatever `onProgress` throws
 */
export async function trainCharModel(options: TrainCharModelOptions): Promise<CharModel> {
  return await trainPlanned(trainCharModelOptions(options))
}

/** The same, from checked options. */
export async function trainPlanned(plan: CharModelPlan, engine: EngineDoor = ENGINE): Promise<CharModel> {
  const { signal } = plan.run
  const { planned, parts } = await stoppable('the preparation of the training', signal, () => prepare(plan, engine))
  const model = new CharModel(parts)
  await trainExclusively(parts, () => trainOrDispose(model, parts, planned, plan))
  return model
}

/** All that comes before there is a model. */
async function prepare(plan: CharModelPlan, engine: EngineDoor): Promise<{ planned: PlannedText; parts: CharParts }> {
  const { signal } = plan.run
  // A model too large whatever the text is, or a GPU that is not there, is refused before the text is read.
  checkModel(plan, 1)
  if (plan.device.name === 'gpu') await engine.check(namedDevice(plan.device, 'gpu').engine)
  const text = await readCorpus(plan.corpus, plan.vocabulary.unit, signal)
  if (signal?.aborted) throw signal.reason
  const vocabulary = await inSlices(Vocabulary.building(text, plan.vocabulary), signal)
  const { lowercase, newlines } = plan.corpus
  refuseUnknownPrefixes({ vocabulary, rules: { lowercase, newlines } }, plan.run)
  const ids = await inSlices(vocabulary.encoding(text, 'corpus'), signal)
  const planned = planText(ids, plan.recipe)
  refuseLongWarmup(plan.recipe, plan.run, planned)
  return { planned, parts: await openParts(plan, vocabulary, planned, engine) }
}

/** Trains; a model whose training fails before anyone was given it is disposed of. */
async function trainOrDispose(
  model: CharModel,
  parts: CharParts,
  text: PlannedText,
  plan: CharModelPlan,
): Promise<void> {
  const { onProgress } = plan.run
  let given = false
  const telling: RunPlan['onProgress'] = (progress) => {
    given = true
    return onProgress?.(progress)
  }
  try {
    await runPlanned(model, parts, text, { ...plan.run, onProgress: onProgress && telling })
  } catch (error) {
    if (!given && !(error instanceof TrainingError)) model.dispose()
    throw error
  }
}

/** A model that is ready to be trained, on the device of the options or, where a GPU fails them and they allow it, on the CPU. */
async function openParts(
  plan: CharModelPlan,
  vocabulary: Vocabulary,
  planned: PlannedText,
  engine: EngineDoor,
): Promise<CharParts> {
  const { recipe, device, run } = plan
  const { spec, available } = checkModel(plan, vocabulary.size)
  const work = {
    spec,
    available,
    setup: setupOf(recipe),
    lanes: recipe.batchSize,
    time: recipe.unrollLength,
    ids: planned.ids.subarray(...planned.split.train),
  }
  const readied = async (opening: Promise<OpenedDevice>) => readyParts(await opening, plan, spec, vocabulary, planned)
  try {
    return await readied(openDevice(device, work, run.signal, engine))
  } catch (error) {
    if (!goesOnOnCpu(device, error)) throw error
    if (isDeviceLost(error)) warnOfLoss(error, 'the training begins on the CPU')
    const reason = `the GPU failed before the first step: ${(error as RnnKitError).message}`
    return await readied(openCpu(device, work, reason, engine))
  }
}

/** Before anyone may hold the model: one that was never readied could neither be trained on nor saved. */
async function readyParts(
  { session, device }: OpenedDevice,
  plan: CharModelPlan,
  spec: ModelSpec,
  vocabulary: Vocabulary,
  planned: PlannedText,
): Promise<CharParts> {
  const { lowercase, newlines } = plan.corpus
  const parts: CharParts = {
    session,
    device,
    snapshot: undefined,
    turns: new Turns(),
    spec,
    vocabulary,
    rules: { lowercase, newlines },
    history: [],
    recipe: plan.recipe,
    scheduleLost: false,
    position: startPosition(),
    digest: undefined,
    text: undefined,
    training: false,
    disposed: false,
  }
  try {
    await session.initialize(plan.model.init, plan.recipe.seed, forgetBiases(plan.model), plan.run.signal)
    await startAnew(parts, planned, plan.recipe, plan.run)
  } catch (error) {
    session.close()
    throw error
  }
  return parts
}

/** The engine's spec, and the bytes that it may take. */
function checkModel(plan: CharModelPlan, vocabulary: number): { spec: ModelSpec; available: number } {
  const { model, recipe } = plan
  const spec = modelSpec(model, vocabulary)
  const available = memoryAvailable()
  const { batchSize: lanes, unrollLength: time, optimizer } = recipe
  const size = { moments: momentBuffers(optimizer.spec), lanes, time, device: plan.device.name }
  checkMemory(spec, size, available, model.listed ? 'layers' : 'hiddenSize')
  checkSizes(model)
  return { spec, available }
}
