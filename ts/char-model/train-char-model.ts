/** Trains a model of text from the beginning: options, text, vocabulary, session, training. */

import { stoppable } from '../aborted.ts'
import { readCorpus } from '../corpus/read-corpus.ts'
import { Vocabulary } from '../corpus/vocabulary.ts'
import { TrainingError } from '../errors.ts'
import { checkMemory, memoryAvailable, momentBuffers } from '../model/memory.ts'
import { checkSizes, forgetBiases, type ModelSpec, modelSpec } from '../model/spec.ts'
import { openSession } from '../native/engine-session.ts'
import { Turns } from '../native/turns.ts'
import { type CharModelPlan, type TrainCharModelOptionsOf, trainCharModelOptions } from '../options/train-char-model.ts'
import type { RunPlan } from '../options/training.ts'
import { inSlices } from '../slices.ts'
import { startPosition } from '../training/position.ts'
import { CharModel } from './char-model.ts'
import type { CharParts } from './parts.ts'
import { type PlannedText, planText } from './plan-text.ts'
import { refuseLongWarmup, refuseUnknownPrefixes, runPlanned, startAnew, trainExclusively } from './training.ts'

/** Only `corpus` and one of `epochs` and `steps` are required. */
export type TrainCharModelOptions = TrainCharModelOptionsOf<CharModel>

/**
 * Trains a model of text.
 *
 * @throws RnnKitError before any work for bad options (ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_MISSING_OPTION), text (ERR_CORPUS_…,
 *   ERR_INVALID_UTF8, ERR_LONE_SURROGATE, ERR_VOCABULARY) and size (ERR_MEMORY); RnnKitError ERR_ABORTED for an abort while the text is
 *   read and the model set up, when there is none yet; later TrainingError with the model, as its last whole step left it (ERR_ABORTED,
 *   ERR_NON_FINITE, ERR_INVALID_OPTION for a schedule that gives no rate); whatever `onProgress` throws
 */
export async function trainCharModel(options: TrainCharModelOptions): Promise<CharModel> {
  return await trainPlanned(trainCharModelOptions(options))
}

/** The same, from checked options. */
export async function trainPlanned(plan: CharModelPlan): Promise<CharModel> {
  const { planned, parts } = await stoppable('the preparation of the training', plan.run.signal, () => prepare(plan))
  const model = new CharModel(parts)
  await trainExclusively(parts, () => trainOrDispose(model, parts, planned, plan))
  return model
}

/** All that comes before there is a model. */
async function prepare(plan: CharModelPlan): Promise<{ planned: PlannedText; parts: CharParts }> {
  const { signal } = plan.run
  // A model too large whatever the text is refused before the text is read.
  checkModel(plan, 1)
  const text = await readCorpus(plan.corpus, plan.vocabulary.unit, signal)
  if (signal?.aborted) throw signal.reason
  const vocabulary = await inSlices(Vocabulary.building(text, plan.vocabulary), signal)
  const { lowercase, newlines } = plan.corpus
  refuseUnknownPrefixes({ vocabulary, rules: { lowercase, newlines } }, plan.run)
  const ids = await inSlices(vocabulary.encoding(text, 'corpus'), signal)
  const planned = planText(ids, plan.recipe)
  refuseLongWarmup(plan.recipe, plan.run, planned)
  const parts = await openParts(plan, vocabulary, signal)
  try {
    // Before anyone may hold the model: one that was never readied could neither be trained on nor saved.
    await startAnew(parts, planned, plan.recipe, plan.run)
  } catch (error) {
    parts.session.close()
    throw error
  }
  return { planned, parts }
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

async function openParts(
  plan: CharModelPlan,
  vocabulary: Vocabulary,
  signal: AbortSignal | undefined,
): Promise<CharParts> {
  const { spec, available } = checkModel(plan, vocabulary.size)
  const session = await openSession(spec, plan.device.name, plan.device.threads, available)
  try {
    await session.initialize(plan.model.init, plan.recipe.seed, forgetBiases(plan.model), signal)
  } catch (error) {
    session.close()
    throw error
  }
  const { lowercase, newlines } = plan.corpus
  return {
    session,
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
  }
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
