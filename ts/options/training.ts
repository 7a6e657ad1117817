/** The options that every training of a model of text has: how long, how it steps, what is scored and reported on the way. */

import type { BatchOrder } from '../batches/types.ts'
import { createSchedule } from '../schedules/schedules.ts'
import type { Progress } from '../training/progress.ts'
import { type BatchesOptions, batchesOptions, type NormalBatchesOptions } from './batches.ts'
import { callback, integer, optional, real, refuse } from './check.ts'
import { type ClipOptions, type ClipSpec, clipOptions } from './clip.ts'
import { type Optimizer, type OptimizerOptions, optimizerOptions } from './optimizer.ts'
import { orDefault } from './or-default.ts'
import { plainCopy } from './plain-copy.ts'
import { type Samples, type SamplesOptions, samplesOptions, signalOption } from './sampling.ts'
import { type NormalSchedule, type ScheduleOptions, scheduleOptions } from './schedule.ts'
import { checkShares, type Share, type ShareOptions, shareOptions } from './share.ts'

/** Exactly one of `epochs` and `steps`. */
export type DurationOptions =
  | {
      /** How often the training text is gone through, at least 1. */
      epochs: number
      steps?: undefined
    }
  | {
      /** Optimizer steps (windows), at least 1. */
      steps: number
      epochs?: undefined
    }

/** What belongs to the way a model is trained; a training that goes on keeps it. */
export interface RecipeOptions {
  /**
   * The order of windows. 'consecutive' keeps the carry within an epoch, unless `resetCarry` says otherwise; the others start each window
   * from zero. @default 'consecutive'
   */
  batches?: BatchesOptions
  /** Lanes N of a window. @default 50 */
  batchSize?: number
  /** Time steps T of a window, over which gradients flow. @default 50 */
  unrollLength?: number
  /** @default { kind: 'adam', learningRate: 2e-3 } */
  optimizer?: OptimizerOptions
  /** How the learning rate changes. @default { kind: 'constant' } */
  schedule?: ScheduleOptions
  /** @default { norm: 5 } */
  clip?: ClipOptions
  /** Seed of initial values, dropout and batches, 0 to 2^53 - 1. @default 1 */
  seed?: number
  /** Last share of the text, not trained on; by default scored each epoch and at the end. @default 0.1 */
  validation?: ShareOptions
  /** Share of the text behind the validation's, not trained on; scored at the end, unless `every` says more. @default 0 */
  test?: ShareOptions
}

/** What belongs to one training. */
export interface RunOptions<Model> {
  /** Texts written on the way. @default none */
  samples?: SamplesOptions
  /**
   * Ends the training after so many seconds, at the next chance between two steps. Scores and samples due at the end come on top.
   * @default no limit
   */
  maxSeconds?: number
  /**
   * Told of progress at most every 50 ms, and always at an evaluation, a sample and the end. A promise that it returns is awaited
   * before the training goes on. What it throws (or the promise rejects with) rejects the training; the model stays usable.
   * @default none
   */
  onProgress?: (progress: Progress<Model>) => unknown
  /** Stops the training with ERR_ABORTED within about 100 ms; the error carries the model. @default none */
  signal?: AbortSignal
}

/** @typeParam Unroll `number | undefined` where windows may be whole sequences, as long as these are */
export interface Recipe<Unroll = number> {
  /** The options as they were given, copied: what a later training keeps. */
  readonly given: RecipeGiven
  readonly batches: NormalBatchesOptions
  readonly batchSize: number
  readonly unrollLength: Unroll
  readonly optimizer: Optimizer
  readonly schedule: NormalSchedule
  readonly clip: ClipSpec
  readonly seed: number
  readonly validation: Share
  readonly test: Share
}

export interface Duration {
  readonly unit: 'epochs' | 'steps'
  readonly count: number
}

export interface RunPlan {
  readonly duration: Duration
  readonly maxSeconds: number
  readonly samples: Samples | undefined
  readonly onProgress: ((progress: Progress<never>) => unknown) | undefined
  readonly signal: AbortSignal | undefined
  /** Milliseconds that one call of the engine should take; results do not depend on it. */
  readonly callMs: number
}

export const RECIPE_KEYS = [
  'batches',
  'batchSize',
  'unrollLength',
  'optimizer',
  'schedule',
  'clip',
  'seed',
  'validation',
  'test',
] as const
export const RUN_KEYS = ['epochs', 'steps', 'maxSeconds', 'samples', 'onProgress', 'signal'] as const

/** More lanes or time steps than anyone's memory holds; the memory check judges what is below. */
const MOST = 2 ** 24
/** So that a plan with a random offset, which looks at each epoch, stays quick. */
const MOST_EPOCHS = 1_000_000

export const DEFAULT_VALIDATION: Share = { share: 0.1, every: { unit: 'epochs', every: 1 } }

export type RecipeGiven = { readonly [K in (typeof RECIPE_KEYS)[number]]?: unknown }

/** What stands where a recipe says nothing. */
interface UsualRecipe<Unroll> {
  readonly order: BatchOrder
  readonly unrollLength: Unroll
  readonly validation: Share
}

/** @param options those among `RECIPE_KEYS` are read */
export function recipeOptions(options: RecipeGiven): Recipe {
  return recipeWith(options, { order: 'consecutive', unrollLength: 50, validation: DEFAULT_VALIDATION })
}

/** The same with other defaults. */
export function recipeWith<Unroll extends number | undefined>(
  options: RecipeGiven,
  usual: UsualRecipe<Unroll>,
): Recipe<Unroll | number> {
  const given: { [K in (typeof RECIPE_KEYS)[number]]?: unknown } = {}
  for (const key of RECIPE_KEYS) {
    if (options[key] !== undefined) given[key] = plainCopy(key, options[key])
  }
  const validation = shareOptions('validation', given.validation, usual.validation)
  const test = shareOptions('test', given.test, { share: 0, every: undefined })
  checkShares(validation, test)
  const optimizer = optimizerOptions(given.optimizer)
  const schedule = scheduleOptions('schedule', given.schedule)
  // What a schedule says only with a learning rate, or when it is called, is wrong now and not in the middle of the work.
  createSchedule(schedule, { learningRate: optimizer.learningRate, totalSteps: 1 }).rate(0)
  return {
    given,
    batches: batchesOptions('batches', given.batches, usual.order),
    batchSize: integer('batchSize', orDefault(given.batchSize, 50), { min: 1, max: MOST }),
    unrollLength:
      given.unrollLength === undefined
        ? usual.unrollLength
        : integer('unrollLength', given.unrollLength, { min: 1, max: MOST }),
    optimizer,
    schedule,
    clip: clipOptions(given.clip),
    seed: integer('seed', orDefault(given.seed, 1), { min: 0 }),
    validation,
    test,
  }
}

/**
 * The recipe of a further training, and whether moments, schedule, step count and positions start anew: with an optimizer.
 * @param complete makes a recipe of what was given
 */
export function furtherRecipe<R extends Recipe<number | undefined>>(
  given: RecipeGiven,
  kept: R,
  complete: (given: RecipeGiven) => R,
): { recipe: R; fresh: boolean } {
  const fresh = given.optimizer !== undefined
  if (!fresh && given.schedule !== undefined) {
    const wants = 'given together with optimizer: a new schedule starts with fresh moments and step 0'
    refuse('schedule', given.schedule, wants)
  }
  const { schedule, ...stays } = kept.given
  return { recipe: complete({ ...stays, ...(fresh ? {} : { schedule }), ...given }), fresh }
}

export function runOptions(given: { [K in (typeof RUN_KEYS)[number]]?: unknown }, seed: number): RunPlan {
  return {
    duration: durationOptions(given.epochs, given.steps),
    maxSeconds:
      given.maxSeconds === undefined
        ? Number.POSITIVE_INFINITY
        : real('maxSeconds', given.maxSeconds, { exclusiveMin: 0 }),
    samples: samplesOptions('samples', given.samples, seed),
    onProgress: optional(given.onProgress, (v) => callback<(progress: Progress<never>) => unknown>('onProgress', v)),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
    callMs: 50,
  }
}

function durationOptions(epochs: unknown, steps: unknown): Duration {
  if (epochs !== undefined && steps !== undefined)
    return refuse('steps', steps, 'left out beside epochs: give exactly one')
  if (steps !== undefined) return { unit: 'steps', count: integer('steps', steps, { min: 1 }) }
  if (epochs === undefined) return refuse('epochs', undefined, 'given, or steps instead: exactly one of them')
  return { unit: 'epochs', count: integer('epochs', epochs, { min: 1, max: MOST_EPOCHS }) }
}
