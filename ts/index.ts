/** Public names only. */
export { type BatchPlanOptions, planWindows, type WindowPlan } from './batches/index.ts'
export { CharModel, type TrainOptions } from './char-model/char-model.ts'
export { type TrainCharModelOptions, trainCharModel } from './char-model/train-char-model.ts'
export type { TextGradientNorms, UnrolledText } from './char-model/views.ts'
export { fromKeras, type KerasCellWeights, type KerasDenseWeights, type KerasGruWeights } from './convert/from-keras.ts'
export {
  fromTensorFlow1,
  type TensorFlow1DenseWeights,
  type TensorFlow1LstmWeights,
  type TensorFlow1RnnWeights,
} from './convert/from-tensorflow1.ts'
export type { DenseWeights, RecurrentWeights } from './convert/weights.ts'
export type { ModelDevice } from './device/chosen-device.ts'
export { type ErrorCode, isRnnKitError, RnnKitError, TrainingError } from './errors.ts'
export type { LossReport } from './metrics.ts'
export type { Parameter } from './model/parameter.ts'
export type { ModelSpec } from './model/spec.ts'
export { type NgramCount, NgramModel } from './ngram/ngram-model.ts'
export { trainNgramModel } from './ngram/train-ngram-model.ts'
export type { BatchesOptions } from './options/batches.ts'
export type { CadenceOptions } from './options/cadence.ts'
export type { CellOptions } from './options/cell.ts'
export type { ClipOptions } from './options/clip.ts'
export type { CorpusOptions } from './options/corpus.ts'
export type { DeviceName, DeviceOptions, GpuForm, OnDeviceLost, Precision } from './options/device.ts'
export type { DropoutMask, DroppedOptions, RecurrentDropoutOptions } from './options/dropout.ts'
export type { LayerOptions } from './options/layers.ts'
export type { DropoutOptions, InitOptions, InputOptions, LossOptions, ModelOptions, Predict } from './options/model.ts'
export type {
  NgramEvaluateOptions,
  NgramLoadOptions,
  NgramSamplingOptions,
  TrainNgramModelOptions,
} from './options/ngram.ts'
export type { OptimizerOptions } from './options/optimizer.ts'
export type { OptimizerFlavour } from './options/optimizer-flavours.ts'
export type { ChoiceOptions, Context, SamplesOptions, SamplingOptions } from './options/sampling.ts'
export type { ScheduleFunction, ScheduleOptions } from './options/schedule.ts'
export { NO_SYMBOL, type SequenceDataOptions, type SequenceInputsOptions } from './options/sequence-data.ts'
export type { CreateSequenceModelOptions, SequenceLossOptions } from './options/sequence-model.ts'
export type {
  EvaluateSequenceOptions,
  PredictSequenceOptions,
  UnrollSequenceOptions,
} from './options/sequence-questions.ts'
export type { SeriesOptions } from './options/series.ts'
export type { SeriesForm, SeriesLayout, SeriesScale } from './options/series-model.ts'
export type { EvaluateSeriesOptions, ForecastOptions, PredictSeriesOptions } from './options/series-questions.ts'
export type { ShareOptions } from './options/share.ts'
export type { EvaluateOptions, LoadOptions } from './options/train-char-model.ts'
export type { DurationOptions, RecipeOptions, RunOptions } from './options/training.ts'
export type { CheckGradientsOptions, GradientNormsOptions, UnrollOptions } from './options/views.ts'
export type { VocabularyOptions } from './options/vocabulary.ts'
export type { Prediction } from './sequence-model/predict.ts'
export type { SequenceReport } from './sequence-model/score.ts'
export { SequenceModel, type TrainSequenceOptions } from './sequence-model/sequence-model.ts'
export {
  createSequenceModel,
  type TrainSequenceModelOptions,
  trainSequenceModel,
} from './sequence-model/train-sequence-model.ts'
export type { SeriesErrors, SeriesPrediction, SeriesReport } from './series-model/answers.ts'
export { SeriesModel, type TrainSeriesOptions } from './series-model/series-model.ts'
export { type TrainSeriesModelOptions, trainSeriesModel } from './series-model/train-series-model.ts'
export type { HistoryEntry, Progress, Sample } from './training/progress.ts'
export type { ModelRecipe } from './training/trained-model.ts'
export type { CheckedGradient, GradientCheck } from './views/gradient-check.ts'
export type { GradientNorms, LayerNorms } from './views/gradient-norms.ts'
export type { Matrix } from './views/matrix.ts'
export type { LayerPlace, Unrolled, UnrolledLayer } from './views/unroll.ts'
