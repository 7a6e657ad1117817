/** Public names only. */
export { type BatchPlanOptions, planWindows, type WindowPlan } from './batches/index.ts'
export { CharModel, type ModelRecipe, type Parameter, type TrainOptions } from './char-model/char-model.ts'
export { type TrainCharModelOptions, trainCharModel } from './char-model/train-char-model.ts'
export { type ErrorCode, isRnnKitError, RnnKitError, TrainingError } from './errors.ts'
export type { LossReport } from './metrics.ts'
export type { ModelSpec } from './model/spec.ts'
export type { BatchesOptions } from './options/batches.ts'
export type { CadenceOptions } from './options/cadence.ts'
export type { CorpusOptions } from './options/corpus.ts'
export type { CellOptions, LayerOptions } from './options/layers.ts'
export type { DropoutOptions, InitOptions, InputOptions, LossOptions, ModelOptions, Predict } from './options/model.ts'
export type { ClipOptions, OptimizerOptions } from './options/optimizer.ts'
export type { ChoiceOptions, Context, SamplesOptions, SamplingOptions } from './options/sampling.ts'
export type { ScheduleFunction, ScheduleOptions } from './options/schedule.ts'
export type { ShareOptions } from './options/share.ts'
export type {
  DeviceName,
  DeviceOptions,
  EvaluateOptions,
  LoadOptions,
} from './options/train-char-model.ts'
export type { DurationOptions, RecipeOptions, RunOptions } from './options/training.ts'
export type { VocabularyOptions } from './options/vocabulary.ts'
export type { HistoryEntry, Progress, Sample } from './training/progress.ts'
