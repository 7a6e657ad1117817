/** The options of `trainCharModel` and of a model's `train`, `evaluate` and `CharModel.load`. */
import type { ModelSpec } from '../model/spec.ts'
import { refuseCarryInSamples, refuseKeptCarry, refuseSeenAnswers } from './bidirectional.ts'
import { integer, oneOf, optional, record, refuse, text } from './check.ts'
import { type CorpusOptions, corpusOptions, type NormalCorpusOptions, type TextRules } from './corpus.ts'
import { DEVICE_KEYS, type Device, type DeviceOptions, deviceOptions, loadDeviceOptions } from './device.ts'
import { MODEL_KEYS, type ModelOptions, type ModelPlan, modelOptions } from './model.ts'
import { orDefault } from './or-default.ts'
import { type Context, signalOption } from './sampling.ts'
import {
  type DurationOptions,
  furtherRecipe,
  RECIPE_KEYS,
  type Recipe,
  type RecipeOptions,
  RUN_KEYS,
  type RunOptions,
  type RunPlan,
  recipeOptions,
  runOptions,
} from './training.ts'
import { type NormalVocabularyOptions, type VocabularyOptions, vocabularyOptions } from './vocabulary.ts'

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainCharModelOptionsOf<Model> = ModelOptions &
  RecipeOptions &
  RunOptions<Model> &
  DeviceOptions &
  DurationOptions & {
    /** The text: itself, or the paths of UTF-8 files. */
    corpus: CorpusOptions
    /** What one symbol is; taken from the whole text. @default { unit: 'char', minCount: 1, unknown: 'error' } */
    vocabulary?: VocabularyOptions
  }

/** @typeParam Model the trained model's type, which `onProgress` is given */
export type TrainOptionsOf<Model> = RecipeOptions &
  RunOptions<Model> &
  DurationOptions & {
    /** Needed after `load`: files hold no text. Normalised as the first training's was. @default the text trained on last */
    corpus?: CorpusOptions
  }

export interface EvaluateOptions {
  /** Text of at least two symbols, normalised as the corpus was (`lowercase`, `newlines`). The first symbol is not scored. */
  text: string
  /**
   * 'carry': each symbol is predicted from all before it. 'window': from a zero carry and the last `unrollLength` symbols.
   * @default 'carry'; 'window' for a 'last-step' model trained on separate windows, as one in two directions always is
   */
  context?: Context
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface LoadOptions extends DeviceOptions {
  /** Refuses larger files, in bytes. @default 4 GiB */
  maxFileBytes?: number
}

/** The largest model file that is read unless options say otherwise: 4 GiB. */
export const MAX_FILE_BYTES = 4 * 2 ** 30

export interface CharModelPlan {
  readonly corpus: NormalCorpusOptions
  readonly vocabulary: NormalVocabularyOptions
  readonly model: ModelPlan
  readonly recipe: Recipe
  readonly run: RunPlan
  readonly device: Device
}

export function trainCharModelOptions(value: unknown): CharModelPlan {
  const given = record('', value, ['corpus', 'vocabulary', ...MODEL_KEYS, ...RECIPE_KEYS, ...RUN_KEYS, ...DEVICE_KEYS])
  const recipe = recipeOptions(given)
  const plan = {
    corpus: corpusOptions('corpus', given.corpus),
    vocabulary: vocabularyOptions('vocabulary', given.vocabulary),
    model: modelOptions(given),
    recipe,
    run: runOptions(given, recipe.seed),
    device: deviceOptions(given),
  }
  refuseSeenAnswers(plan.model, plan.model.predict === 'every-step')
  refuseKeptCarry(plan.model, recipe.batches)
  refuseCarryInSamples(plan.model, plan.run.samples)
  return plan
}

export interface FurtherPlan {
  readonly corpus: NormalCorpusOptions | undefined
  readonly recipe: Recipe
  readonly run: RunPlan
  /** Moments, schedule, step count and positions start anew. */
  readonly fresh: boolean
}

/** @param kept the recipe of the training before, how its text was normalised, and the model */
export function trainOptions(
  value: unknown,
  { recipe: kept, rules, spec }: { readonly recipe: Recipe; readonly rules: TextRules; readonly spec: ModelSpec },
): FurtherPlan {
  const given = record('', value, ['corpus', ...RECIPE_KEYS, ...RUN_KEYS])
  const { recipe, fresh } = furtherRecipe(given, kept, recipeOptions)
  const run = runOptions(given, recipe.seed)
  refuseKeptCarry(spec, recipe.batches)
  refuseCarryInSamples(spec, run.samples)
  return { corpus: optional(given.corpus, (v) => corpusOptions('corpus', v, rules)), recipe, run, fresh }
}

export interface EvaluationPlan {
  readonly text: string
  readonly context: Context | undefined
  readonly signal: AbortSignal | undefined
}

export function evaluateOptions(value: unknown): EvaluationPlan {
  const given = record('', value, ['text', 'context', 'signal'])
  return {
    text: text('text', given.text),
    context: optional(given.context, (v) => oneOf('context', v, ['carry', 'window'])),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

export function loadOptions(value: unknown): { device: Device; maxFileBytes: number } {
  const given = record('', orDefault(value, {}), [...DEVICE_KEYS, 'maxFileBytes'])
  return {
    device: loadDeviceOptions(given),
    maxFileBytes: integer('maxFileBytes', orDefault(given.maxFileBytes, MAX_FILE_BYTES), { min: 1 }),
  }
}

/** A path as `save` and `load` take it. */
export function pathOption(field: string, value: unknown): string {
  const path = text(field, value)
  const usable = path !== '' && !path.includes('\0')
  return usable ? path : refuse(field, path, 'the path of a file')
}
