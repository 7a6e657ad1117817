/** Trains a model of text from the beginning: options, text, vocabulary, session, training. */

import { stoppable } from '../aborted.ts'
import { readCorpus } from '../corpus/read-corpus.ts'
import { Vocabulary } from '../corpus/vocabulary.ts'
import { namedDevice } from '../device/chosen-device.ts'
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import { textProbe } from '../device/step-time.ts'
import { checkMemory, memoryAvailable, momentBuffers } from '../model/memory.ts'
import { checkSizes, forgetBiases, type ModelSpec, modelSpec } from '../model/spec.ts'
import { type CharModelPlan, type TrainCharModelOptionsOf, trainCharModelOptions } from '../options/train-char-model.ts'
import { inSlices } from '../slices.ts'
import { refuseLongWarmup, runPlanned, trainExclusively } from '../training/further.ts'
import { openModel, trainOrDispose } from '../training/new-model.ts'
import { setupOf } from '../training/setup.ts'
import { CharModel } from './char-model.ts'
import type { CharParts } from './parts.ts'
import { type PlannedText, planText } from './plan-text.ts'
import { refuseUnknownPrefixes, TEXT } from './training.ts'

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
  await trainExclusively(parts, () =>
    trainOrDispose(model, plan.run, (run) => runPlanned(model, parts, planned, run, TEXT)),
  )
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

/** A model that is ready to be trained. */
async function openParts(
  plan: CharModelPlan,
  vocabulary: Vocabulary,
  planned: PlannedText,
  engine: EngineDoor,
): Promise<CharParts> {
  const { recipe, device, run, model, corpus } = plan
  const { spec, available } = checkModel(plan, vocabulary.size)
  const { lanes, time } = planned
  const probe = textProbe(planned.ids.subarray(...planned.split.train), time)
  const work = { spec, available, setup: setupOf(recipe), lanes, time, probe }
  const { lowercase, newlines } = corpus
  const own = { vocabulary, rules: { lowercase, newlines } }
  const blank = { spec, recipe, init: model.init, forgetBiases: forgetBiases(model) }
  return await openModel(blank, own, planned, { device, run, work, engine })
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
