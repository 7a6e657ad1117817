/** Readies a model for a training, from its first step on or from where it stood, and runs that: once, for every kind of model. */
import type { BatchPlan } from '../batches/index.ts'
import { RnnKitError } from '../errors.ts'
import type { LossReport } from '../metrics.ts'
import { isClassifier } from '../model/spec.ts'
import { refuse } from '../options/check.ts'
import type { Duration, RunPlan } from '../options/training.ts'
import { createSchedule } from '../schedules/schedules.ts'
import { inSlices } from '../slices.ts'
import { keepSnapshot, moveForTraining, protection } from './device-loss.ts'
import { type AnyRecipe, type ModelParts, makeResident, type PlannedData, residentOf } from './model-parts.ts'
import { onNewText, onNewWindows, type Position, startPosition } from './position.ts'
import type { Sample } from './progress.ts'
import { setupOf } from './setup.ts'
import { carryingModel } from './training-error.ts'
import { type Recurring, runTraining } from './training-loop.ts'

/** What a training does in its own way for each kind of model. */
export interface Ways<Parts extends ModelParts> {
  /** The option that has the data. */
  readonly dataOption: string
  /** Scores a part of the data that is kept from training. */
  score(parts: Parts, part: 'validation' | 'test', signal: AbortSignal | undefined): Promise<LossReport>
  /** Texts written on the way. */
  samples(parts: Parts, run: RunPlan): Recurring<Sample[]> | undefined
}

/** What `train` was asked for, but the data. */
export interface FurtherTraining {
  readonly recipe: AnyRecipe
  readonly run: RunPlan
  /** Moments, schedule, step count and positions start anew. */
  readonly fresh: boolean
}

/** Runs a training, unless another one does: ERR_BUSY. */
export async function trainExclusively(parts: ModelParts, training: () => Promise<void>): Promise<void> {
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

/** Trains further, as `train` was asked to. @param plan makes the data, which may take its time */
export async function trainFurther<Model, Parts extends ModelParts>(
  model: Model,
  parts: Parts,
  { recipe, run, fresh }: FurtherTraining,
  ways: Ways<Parts>,
  plan: () => Promise<PlannedData>,
): Promise<void> {
  const prepare = () =>
    carryingModel(
      model,
      () => parts.position.steps,
      run.signal,
      async () => {
        const planned = await plan()
        if (fresh) refuseLongWarmup(recipe, run, planned)
        if (!fresh && parts.scheduleLost) throw lostSchedule()
        await (fresh ? startAnew : startFurther)(parts, planned, recipe, run)
        return planned
      },
    )
  const planned = await prepare().catch(async (error) => {
    await moveForTraining(parts, error)
    return await prepare()
  })
  await runPlanned(model, parts, planned, run, ways)
}

/** Readies the session, in a turn of its own, for a training from its first step on. */
export async function startAnew(
  parts: ModelParts,
  planned: PlannedData,
  recipe: AnyRecipe,
  { signal }: RunPlan,
): Promise<void> {
  const digest = await inSlices(planned.digesting(), signal)
  await parts.turns.take(async () => {
    await makeResident(parts, planned)
    await parts.session.configure(setupOf(recipe))
    Object.assign(parts, { recipe, scheduleLost: false, position: startPosition(), digest })
    await keepSnapshot(parts)
  }, signal)
}

async function startFurther(
  parts: ModelParts,
  planned: PlannedData,
  recipe: AnyRecipe,
  { signal }: RunPlan,
): Promise<void> {
  const digest = await inSlices(planned.digesting(), signal)
  await parts.turns.take(async () => {
    await makeResident(parts, planned)
    await changeSetup(parts, recipe)
    let { position } = parts
    if (digest !== parts.digest) position = onNewText(position)
    else if (isRebatched(parts.recipe, recipe)) position = onNewWindows(position)
    else refuseForeignWindow(position, planned)
    Object.assign(parts, { recipe, digest, position })
    await keepSnapshot(parts)
  }, signal)
}

/** A file's window that the data it names lack. */
function refuseForeignWindow({ epoch, window }: Position, { batches }: PlannedData): void {
  const windows = batches.windowsIn(epoch)
  if (window < windows) return
  const message = `training.position: window is ${window}, but the data have ${windows} windows in epoch ${epoch}`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_TENSOR', message, field: 'training.position', value: window })
}

/** Runs the training that the session was readied for. */
export async function runPlanned<Model, Parts extends ModelParts>(
  model: Model,
  parts: Parts,
  { batches, lanes, time }: PlannedData,
  run: RunPlan,
  ways: Ways<Parts>,
): Promise<void> {
  const { recipe, position } = parts
  const endStep = position.steps + stepsOf(run.duration, batches, position.epoch)
  if (!Number.isSafeInteger(endStep)) {
    const most = Number.MAX_SAFE_INTEGER - position.steps
    refuse('steps', run.duration.count, `at most ${most}, for the steps done count too`)
  }
  position.totalSteps = Math.max(position.totalSteps, endStep)
  const schedule = createSchedule(recipe.schedule, {
    learningRate: recipe.optimizer.learningRate,
    totalSteps: position.totalSteps,
  })
  if (position.schedule !== null) schedule.restore(position.schedule)
  const resident = () => residentOf(parts, ways.dataOption)
  const scored = (part: 'validation' | 'test'): Recurring<LossReport> | undefined => {
    if (resident()[part] === undefined) return undefined
    const { every } = recipe[part]
    return { every, make: (signal) => parts.turns.share(() => ways.score(parts, part, signal), signal) }
  }
  await runTraining<Model>({
    model,
    train: (windows, signal) => parts.session.train({ ...windows, data: resident().trainingData, lanes, time }, signal),
    turns: parts.turns,
    batches,
    symbolsOfStep: lanes * time,
    classifier: isClassifier(parts.spec),
    schedule,
    position,
    history: parts.history,
    endStep,
    maxSeconds: run.maxSeconds,
    validation: scored('validation'),
    test: scored('test'),
    samples: ways.samples(parts, run),
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
export function refuseLongWarmup({ schedule }: AnyRecipe, { duration }: RunPlan, { batches }: PlannedData): void {
  if (!('warmup' in schedule) || ('total' in schedule && schedule.total !== undefined)) return
  const steps = stepsOf(duration, batches, 0)
  if (schedule.warmup > steps) refuse('schedule.warmup', schedule.warmup, `at most ${steps}, the planned steps`)
}

/** A changed clip or seed is told to the engine without losing the moments. */
async function changeSetup(parts: ModelParts, recipe: AnyRecipe): Promise<void> {
  const setup = setupOf(recipe)
  if (JSON.stringify(setup) === JSON.stringify(setupOf(parts.recipe))) return
  const state = await parts.session.trainingState()
  await parts.session.configure(setup)
  await parts.session.restore(state)
}

/** Whether a window's number within an epoch no longer names the same window. */
function isRebatched(before: AnyRecipe, now: AnyRecipe): boolean {
  const shape = ({ batches, batchSize, unrollLength, seed }: AnyRecipe) =>
    JSON.stringify([batches, batchSize, unrollLength, seed])
  return shape(before) !== shape(now)
}

function lostSchedule(): RnnKitError {
  const message =
    'schedule was a function, which a file cannot hold: give optimizer and schedule to train on with fresh moments'
  return new RnnKitError({ code: 'ERR_MISSING_OPTION', message, field: 'schedule' })
}
