/** Trains a model of text: readies the text and the session, then runs the training loop. */
import { createHash } from 'node:crypto'
import type { BatchPlan } from '../batches/index.ts'
import { normaliseText, readCorpus } from '../corpus/read-corpus.ts'
import { RnnKitError } from '../errors.ts'
import type { LossReport } from '../metrics.ts'
import { refuse } from '../options/check.ts'
import type { NormalCorpusOptions } from '../options/corpus.ts'
import type { FurtherPlan } from '../options/train-char-model.ts'
import type { Duration, Recipe, RunPlan } from '../options/training.ts'
import { prefixSymbols } from '../sampling/sampling.ts'
import { createSchedule } from '../schedules/schedules.ts'
import { inSlices, SLICE, type Sliced } from '../slices.ts'
import { evaluate } from '../training/evaluation.ts'
import { onNewText, onNewWindows, type Position, startPosition } from '../training/position.ts'
import type { Sample } from '../training/progress.ts'
import { carryingModel } from '../training/training-error.ts'
import { type Recurring, runTraining } from '../training/training-loop.ts'
import { keepSnapshot, moveForTraining, protection } from './device-loss.ts'
import { type CharParts, type Resident, usualContext } from './parts.ts'
import { type PlannedText, planText } from './plan-text.ts'
import { makeResident, missingCorpus, residentOf } from './resident.ts'
import { setupOf } from './setup.ts'
import { writeText } from './writing.ts'

/** Runs a training, unless another one does: ERR_BUSY. */
export async function trainExclusively(parts: CharParts, training: () => Promise<void>): Promise<void> {
  if (parts.training) {
    throw new RnnKitError({ code: 'ERR_BUSY', message: 'the model is being trained: wait until that is done' })
  }
  parts.training = true
  try {
    await training()
  } finally {
    parts.training = false
  }
}

/** Trains further, as `train` was asked to. */
export async function trainFurther<Model>(model: Model, parts: CharParts, plan: FurtherPlan): Promise<void> {
  const { recipe, run, fresh } = plan
  refuseUnknownPrefixes(parts, run)
  const prepare = () =>
    carryingModel(
      model,
      () => parts.position.steps,
      run.signal,
      async () => {
        const ids = plan.corpus === undefined ? parts.text?.ids : await readIds(parts, plan.corpus, run.signal)
        if (ids === undefined) throw missingCorpus()
        const planned = planText(ids, recipe)
        if (fresh) refuseLongWarmup(recipe, run, planned)
        if (!fresh && parts.scheduleLost) throw lostSchedule()
        await (fresh ? startAnew : startFurther)(parts, planned, recipe, run)
        return planned
      },
    )
  const text = await prepare().catch(async (error) => {
    await moveForTraining(parts, error)
    return await prepare()
  })
  await runPlanned(model, parts, text, run)
}

/** Readies the session, in a turn of its own, for a training from its first step on. */
export async function startAnew(
  parts: CharParts,
  text: PlannedText,
  recipe: Recipe,
  { signal }: RunPlan,
): Promise<void> {
  const digest = await inSlices(digesting(text), signal)
  await parts.turns.take(async () => {
    await makeResident(parts, text)
    await parts.session.configure(setupOf(recipe))
    Object.assign(parts, { recipe, scheduleLost: false, position: startPosition(), digest })
    await keepSnapshot(parts)
  }, signal)
}

async function startFurther(parts: CharParts, text: PlannedText, recipe: Recipe, { signal }: RunPlan): Promise<void> {
  const digest = await inSlices(digesting(text), signal)
  await parts.turns.take(async () => {
    await makeResident(parts, text)
    await changeSetup(parts, recipe)
    let { position } = parts
    if (digest !== parts.digest) position = onNewText(position)
    else if (isRebatched(parts.recipe, recipe)) position = onNewWindows(position)
    else refuseForeignWindow(position, text)
    Object.assign(parts, { recipe, digest, position })
    await keepSnapshot(parts)
  }, signal)
}

/** A file's window that the text it names lacks. */
function refuseForeignWindow({ epoch, window }: Position, { batches }: PlannedText): void {
  const windows = batches.windowsIn(epoch)
  if (window < windows) return
  const message = `training.position: window is ${window}, but the text has ${windows} windows in epoch ${epoch}`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_TENSOR', message, field: 'training.position', value: window })
}

/** Runs the training that the session was readied for. */
export async function runPlanned<Model>(
  model: Model,
  parts: CharParts,
  text: PlannedText,
  run: RunPlan,
): Promise<void> {
  const { recipe, position } = parts
  const endStep = position.steps + stepsOf(run.duration, text.batches, position.epoch)
  if (!Number.isSafeInteger(endStep)) {
    refuse(
      'steps',
      run.duration.count,
      `at most ${Number.MAX_SAFE_INTEGER - position.steps}, for the steps done count too`,
    )
  }
  position.totalSteps = Math.max(position.totalSteps, endStep)
  const schedule = createSchedule(recipe.schedule, {
    learningRate: recipe.optimizer.learningRate,
    totalSteps: position.totalSteps,
  })
  if (position.schedule !== null) schedule.restore(position.schedule)
  const { validation, test } = residentOf(parts)
  const { batchSize: lanes, unrollLength: time } = recipe
  await runTraining<Model>({
    model,
    train: (windows, signal) =>
      parts.session.train({ ...windows, data: residentOf(parts).train.data, lanes, time }, signal),
    turns: parts.turns,
    batches: text.batches,
    symbolsOfStep: lanes * time,
    schedule,
    position,
    history: parts.history,
    endStep,
    maxSeconds: run.maxSeconds,
    validation: validation && { every: recipe.validation.every, make: scoring(parts, 'validation') },
    test: test && { every: recipe.test.every, make: scoring(parts, 'test') },
    samples: samplesOf(parts, run),
    onProgress: run.onProgress as Parameters<typeof runTraining<Model>>[0]['onProgress'],
    signal: run.signal,
    callMs: run.callMs,
    protection: protection(model, parts),
  })
}

/** Steps of the planned run, which begins in that epoch. */
function stepsOf({ unit, count }: Duration, batches: BatchPlan, epoch: number): number {
  if (unit === 'steps') return count
  let steps = 0
  for (let i = 0; i < count; i++) steps += batches.windowsIn(epoch + i)
  return steps
}

/** A rate that would still rise at the planned end never comes to what was asked for. @throws ERR_INVALID_OPTION */
export function refuseLongWarmup({ schedule }: Recipe, { duration }: RunPlan, { batches }: PlannedText): void {
  if (!('warmup' in schedule) || ('total' in schedule && schedule.total !== undefined)) return
  const steps = stepsOf(duration, batches, 0)
  if (schedule.warmup > steps) refuse('schedule.warmup', schedule.warmup, `at most ${steps}, the planned steps`)
}

/** SHA-256 of the training text's ids. */
function* digesting({ ids, split }: PlannedText): Sliced<string> {
  const hash = createHash('sha256')
  const training = ids.subarray(...split.train)
  for (let from = 0; from < training.length; from += SLICE) {
    hash.update(training.subarray(from, from + SLICE))
    yield
  }
  return hash.digest('hex')
}

/** A changed clip or seed is told to the engine without losing the moments. */
async function changeSetup(parts: CharParts, recipe: Recipe): Promise<void> {
  const setup = setupOf(recipe)
  if (JSON.stringify(setup) === JSON.stringify(setupOf(parts.recipe))) return
  const state = await parts.session.trainingState()
  await parts.session.configure(setup)
  await parts.session.restore(state)
}

/** Whether a window's number within an epoch no longer names the same window. */
function isRebatched(before: Recipe, now: Recipe): boolean {
  const shape = ({ batches, batchSize, unrollLength, seed }: Recipe) =>
    JSON.stringify([batches, batchSize, unrollLength, seed])
  return shape(before) !== shape(now)
}

async function readIds(
  { vocabulary }: CharParts,
  corpus: NormalCorpusOptions,
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const text = await readCorpus(corpus, vocabulary.unit, signal)
  return await inSlices(vocabulary.encoding(text, 'corpus'), signal)
}

function scoring(parts: CharParts, part: 'validation' | 'test'): Recurring<LossReport>['make'] {
  const scored = (signal: AbortSignal | undefined) =>
    evaluate(parts.session, evaluationPlan(parts, residentOf(parts)[part]!, signal))
  return (signal) => parts.turns.share(() => scored(signal), signal)
}

export function evaluationPlan(
  parts: CharParts,
  { data, symbols }: Resident,
  signal: AbortSignal | undefined,
  context = usualContext(parts),
) {
  return {
    data,
    symbols,
    context,
    unrollLength: parts.recipe.unrollLength,
    lastStep: parts.spec.head.predict === 'lastStep',
    reduction: parts.spec.loss.reduction,
    signal,
  }
}

function samplesOf(parts: CharParts, { samples }: RunPlan): Recurring<Sample[]> | undefined {
  if (samples === undefined) return undefined
  return {
    every: samples.every,
    make: async (signal) => {
      const written: Sample[] = []
      for (const sampling of samples.samplings) {
        const text = await writeText(parts, { ...sampling, signal })
        written.push({ prefix: sampling.prefix, text, temperature: sampling.choice.temperature })
      }
      return written
    },
  }
}

/** Prefixes are looked at before any training, not when the first sample is due. */
export function refuseUnknownPrefixes(
  { vocabulary, rules }: Pick<CharParts, 'vocabulary' | 'rules'>,
  { samples }: RunPlan,
): void {
  for (const { field, prefix } of samples?.samplings ?? []) {
    prefixSymbols(vocabulary, field, normaliseText(prefix, { ...rules, field, normalize: undefined }))
  }
}

function lostSchedule(): RnnKitError {
  const message =
    'schedule was a function, which a file cannot hold: give optimizer and schedule to train on with fresh moments'
  return new RnnKitError({ code: 'ERR_MISSING_OPTION', message, field: 'schedule' })
}
