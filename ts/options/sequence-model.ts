/** The options of `trainSequenceModel`, `createSequenceModel` and of a sequence model's methods. */

import { MAX_SIZE, MAX_VOCABULARY } from '../limits.ts'
import type { ModelSpec } from '../model/spec.ts'
import { refuseKeptCarry } from './bidirectional.ts'
import { fieldIn, integer, oneOf, optional, real, record, refuse, variant } from './check.ts'
import { DEVICE_KEYS, type Device, type DeviceOptions, deviceOptions, loadDeviceOptions } from './device.ts'
import { type ModelOptions, STACK_KEYS, type StackPlan, stackOptions } from './model.ts'
import { orDefault } from './or-default.ts'
import { dataOptions, type GivenData, type SequenceDataOptions } from './sequence-data.ts'
import {
  type DurationOptions,
  furtherRecipe,
  RECIPE_KEYS,
  type Recipe,
  type RecipeGiven,
  type RecipeOptions,
  RUN_KEYS,
  type RunOptions,
  type RunPlan,
  recipeWith,
  runOptions,
} from './training.ts'

/** What the model is, but for how wide input and head are. */
export type SequenceStackOptions = Omit<ModelOptions, 'loss' | 'bidirectional'> & {
  /** Every layer reads the row from its end, too; not beside a list of layers. @default false */
  bidirectional?: boolean
  /** 'linear': W h + b. 'identity': the last layer's output itself, so `outputs` is its width. @default 'linear' */
  projection?: 'linear' | 'identity'
  /** What training minimises: 'crossEntropy' of classes, in nats; 'mse' and 'rmse' of numbers, mean over all of a window. */
  loss: SequenceLossOptions
}

export type SequenceLossOptions =
  | 'crossEntropy'
  | 'mse'
  | 'rmse'
  | {
      kind: 'crossEntropy'
      /** Share of the target spread evenly over the classes, [0, 1). @default 0 */
      labelSmoothing?: number
    }
  | { kind: 'mse' | 'rmse' }

export interface SequenceWidthOptions {
  /** Symbols that inputs may be, 1 to 65,536. @default none: inputs are numbers */
  vocabulary?: number
  /** Numbers of each input. @default as the data have, or 1 without any */
  features?: number
  /** Classes, or numbers of a prediction. @default `vocabulary` for cross-entropy; for numbers as the targets have, or 1 without any */
  outputs?: number
}

/** As a model of text has them, but for the windows. */
export type SequenceRecipeOptions = Omit<RecipeOptions, 'batches' | 'unrollLength' | 'batchSize' | 'validation'> & {
  /**
   * Of rows: each epoch takes every row once, in random order ('shuffled') or in theirs ('ordered'), and the last batch may be smaller; or
   * batches are drawn with replacement ('sampled'). With `unrollLength` windows are cut from one long sequence, as from a text.
   * @default 'shuffled', and 'consecutive' with `unrollLength`
   */
  batches?: RecipeOptions['batches']
  /** Rows of a batch, at most; with `unrollLength` lanes N of a window. @default 50 */
  batchSize?: number
  /** Time steps T of a window over one long sequence, whose shape has one row. @default none: a window is whole rows */
  unrollLength?: number
  /** Last share of the rows (of one long sequence: of its steps), not trained on; scored each epoch and at the end. @default 0 */
  validation?: RecipeOptions['validation']
}

export type SequenceRunOptions<Model> = Omit<RunOptions<Model>, 'samples'>

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainSequenceModelOptionsOf<Model> = SequenceStackOptions &
  SequenceWidthOptions &
  SequenceRecipeOptions &
  SequenceRunOptions<Model> &
  DeviceOptions &
  DurationOptions &
  TrainingDataOptions & { data: SequenceDataOptions }

export interface TrainingDataOptions {
  /** Other rows to score, not trained on, when `validation` says; not beside a share. @default none */
  validationData?: SequenceDataOptions
}

export type CreateSequenceModelOptions = SequenceStackOptions &
  SequenceWidthOptions &
  DeviceOptions & {
    /** Seed of the initial values, 0 to 2^53 - 1. @default 1 */
    seed?: number
  }

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainSequenceOptionsOf<Model> = SequenceRecipeOptions &
  SequenceRunOptions<Model> &
  DurationOptions &
  TrainingDataOptions & {
    /** Needed after `load`: files hold no data. @default the data trained on last */
    data?: SequenceDataOptions
  }

export type SequenceRecipe = Recipe<number | undefined>

/** What the model is, but for the widths that its data give. */
export interface SequenceStack extends StackPlan {
  readonly projection: ModelSpec['head']['projection']
  readonly loss: ModelSpec['loss']
  readonly vocabulary: number | undefined
  readonly features: number | undefined
  readonly outputs: number | undefined
}

export interface SequenceModelPlan {
  readonly stack: SequenceStack
  readonly data: GivenData
  readonly validationData: GivenData | undefined
  readonly recipe: SequenceRecipe
  readonly run: RunPlan
  readonly device: Device
}

const WIDTH_KEYS = ['vocabulary', 'features', 'outputs'] as const
const SEQUENCE_STACK_KEYS = [...STACK_KEYS, ...WIDTH_KEYS, 'projection', 'loss'] as const
/** Without texts. */
export const SEQUENCE_RUN_KEYS = RUN_KEYS.filter((key) => key !== 'samples') as Exclude<
  (typeof RUN_KEYS)[number],
  'samples'
>[]
const DATA_KEYS = ['data', 'validationData'] as const

export function trainSequenceModelOptions(value: unknown): SequenceModelPlan {
  const given = record('', value, [
    ...SEQUENCE_STACK_KEYS,
    ...DATA_KEYS,
    ...RECIPE_KEYS,
    ...SEQUENCE_RUN_KEYS,
    ...DEVICE_KEYS,
  ])
  const recipe = sequenceRecipe(given)
  const stack = sequenceStack(given)
  refuseKeptCarry(stack, recipe.batches)
  return {
    stack,
    data: dataOptions('data', given.data, true),
    validationData: validationData(given.validationData, recipe),
    recipe,
    run: runOptions(given, recipe.seed),
    device: deviceOptions(given),
  }
}

export function createSequenceModelOptions(value: unknown) {
  const given = record('', value, [...SEQUENCE_STACK_KEYS, 'seed', ...DEVICE_KEYS])
  return { stack: sequenceStack(given), recipe: sequenceRecipe({ seed: given.seed }), device: loadDeviceOptions(given) }
}

function sequenceStack(given: { [K in (typeof SEQUENCE_STACK_KEYS)[number]]?: unknown }): SequenceStack {
  const stack = stackOptions(given)
  const loss = lossOption('loss', given.loss)
  const classes = loss.kind === 'crossEntropy' ? MAX_VOCABULARY : MAX_SIZE
  const size = (key: (typeof WIDTH_KEYS)[number], max: number) =>
    optional(given[key], (v) => integer(key, v, { min: 1, max }))
  const widths = {
    vocabulary: size('vocabulary', MAX_VOCABULARY),
    features: size('features', MAX_SIZE),
    outputs: size('outputs', classes),
  }
  if (widths.vocabulary !== undefined && widths.features !== undefined) {
    refuse('features', given.features, 'left out beside vocabulary: inputs are symbols or numbers')
  }
  if (widths.vocabulary === undefined && given.input !== undefined) {
    refuse('input', given.input, 'left out without a vocabulary: numbers enter the first layer as they are')
  }
  const projection = oneOf('projection', orDefault(given.projection, 'linear'), ['linear', 'identity'])
  return { ...stack, ...widths, loss, projection }
}

function lossOption(field: string, value: unknown): ModelSpec['loss'] {
  const { kind, given } = variant(field, value, { crossEntropy: ['labelSmoothing'], mse: [], rmse: [] })
  switch (kind) {
    case 'mse':
      return { kind: 'meanSquaredError' }
    case 'rmse':
      return { kind: 'rootMeanSquaredError' }
    case 'crossEntropy': {
      const { labelSmoothing = 0 } = given
      const range = { min: 0, exclusiveMax: 1 }
      return { kind, labelSmoothing: real(fieldIn(field, 'labelSmoothing'), labelSmoothing, range), reduction: 'mean' }
    }
  }
}

/** @param given those among `RECIPE_KEYS` are read */
export function sequenceRecipe(given: RecipeGiven): SequenceRecipe {
  const rows = given.unrollLength === undefined
  const recipe = recipeWith(given, {
    order: rows ? 'shuffled' : 'consecutive',
    unrollLength: undefined,
    validation: { share: 0, every: { unit: 'epochs', every: 1 } },
  })
  if (!rows) return recipe
  const { order, offset } = recipe.batches
  const alone = 'or give unrollLength, which cuts windows from one long sequence'
  if (order === 'consecutive') refuse('batches', order, `'shuffled', 'ordered' or 'sampled' for rows, ${alone}`)
  if (offset !== 0) refuse('batches.offset', offset, `0 for rows, ${alone}`)
  return recipe
}

function validationData(value: unknown, { validation }: SequenceRecipe): GivenData | undefined {
  if (value === undefined) return undefined
  if (validation.share > 0) refuse('validation', validation.share, 'a share of 0 beside validationData')
  return dataOptions('validationData', value, true)
}

export interface FurtherSequencePlan {
  readonly data: GivenData | undefined
  readonly validationData: GivenData | undefined
  readonly recipe: SequenceRecipe
  readonly run: RunPlan
  readonly fresh: boolean
}

/** @param kept of the training before */
export function trainSequenceOptions(
  value: unknown,
  { recipe: kept, spec }: { readonly recipe: SequenceRecipe; readonly spec: ModelSpec },
): FurtherSequencePlan {
  const given = record('', value, [...DATA_KEYS, ...RECIPE_KEYS, ...SEQUENCE_RUN_KEYS])
  const { recipe, fresh } = furtherRecipe(given, kept, sequenceRecipe)
  refuseKeptCarry(spec, recipe.batches)
  return {
    data: optional(given.data, (v) => dataOptions('data', v, true)),
    validationData: validationData(given.validationData, recipe),
    recipe,
    run: runOptions(given, recipe.seed),
    fresh,
  }
}
