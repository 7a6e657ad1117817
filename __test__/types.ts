/** What the types of the public API promise and refuse, checked by the compiler (`tsc -p tsconfig.check.json`). */
import { expectTypeOf } from 'expect-type'
import type {
  CharModel,
  GradientCheck,
  GradientNorms,
  HistoryEntry,
  LoadOptions,
  LossReport,
  Matrix,
  ModelDevice,
  NgramModel,
  Parameter,
  Prediction,
  Progress,
  SamplingOptions,
  SequenceModel,
  SequenceReport,
  SeriesModel,
  SeriesPrediction,
  SeriesReport,
  TextGradientNorms,
  TrainCharModelOptions,
  TrainNgramModelOptions,
  TrainOptions,
  TrainSequenceModelOptions,
  TrainSeriesModelOptions,
  trainCharModel,
  trainNgramModel,
  trainSequenceModel,
  trainSeriesModel,
  Unrolled,
  UnrolledText,
} from '../ts/index.ts'

/** Nothing of it runs. */
export function checkedByTheCompiler(model: CharModel, train: typeof trainCharModel): void {
  expectTypeOf(train).returns.resolves.toEqualTypeOf<CharModel>()
  expectTypeOf(model.sample).returns.resolves.toEqualTypeOf<string>()
  expectTypeOf(model.stream).returns.toExtend<AsyncIterable<string>>()
  expectTypeOf(model.evaluate).returns.resolves.toEqualTypeOf<LossReport>()
  expectTypeOf(model.parameters).returns.toEqualTypeOf<Record<string, Parameter>>()
  expectTypeOf(model.unroll).returns.resolves.toEqualTypeOf<UnrolledText>()
  expectTypeOf(model.gradientNorms).returns.resolves.toEqualTypeOf<TextGradientNorms>()
  expectTypeOf(model.checkGradients).returns.resolves.toEqualTypeOf<GradientCheck>()
  expectTypeOf<UnrolledText['probabilities']>().toEqualTypeOf<Matrix>()
  expectTypeOf(model.history).toEqualTypeOf<HistoryEntry[]>()
  expectTypeOf(model.device).toEqualTypeOf<ModelDevice>()
  expectTypeOf(model).toExtend<Disposable>()
  expectTypeOf<Parameters<NonNullable<TrainCharModelOptions['onProgress']>>[0]>().toEqualTypeOf<Progress<CharModel>>()
  expectTypeOf<Progress<CharModel>['model']>().toEqualTypeOf<CharModel>()

  const corpus = { text: 'a' }
  expectTypeOf({ corpus, epochs: 1 }).toExtend<TrainCharModelOptions>()
  expectTypeOf({ corpus, steps: 1 }).toExtend<TrainCharModelOptions>()
  expectTypeOf({ steps: 1 }).toExtend<TrainOptions>()
  expectTypeOf({ temperature: 0.8, stop: ['\n'] as const }).toExtend<SamplingOptions>()
  expectTypeOf({ device: 'gpu', adapter: 0, precision: 'f16', form: 'resident' } as const).toExtend<LoadOptions>()
  // @ts-expect-error there is no such device
  void train({ corpus, epochs: 1, device: 'cuda' })
  // @ts-expect-error there is no such precision
  void train({ corpus, epochs: 1, precision: 'f64' })
  // @ts-expect-error one of epochs and steps is needed
  void train({ corpus })
  // @ts-expect-error epochs and steps exclude each other
  void train({ corpus, epochs: 1, steps: 1 })
  // @ts-expect-error a corpus is needed
  void train({ epochs: 1 })
  // @ts-expect-error text and files exclude each other
  void train({ corpus: { text: 'a', files: ['b'] }, epochs: 1 })
  // @ts-expect-error there is no such cell
  void train({ corpus, epochs: 1, cell: 'ltsm' })
  // @ts-expect-error a GRU has no forget bias
  void train({ corpus, epochs: 1, cell: { kind: 'gru', forgetBias: 1 } })
  // @ts-expect-error an LSTM has no separate form
  void train({ corpus, epochs: 1, cell: { kind: 'lstm', form: 'separate' } })
  // @ts-expect-error there is no such mask
  void train({ corpus, epochs: 1, dropout: { input: { share: 0.1, mask: 'lane' } } })
  // @ts-expect-error the recurrence has one form of dropout
  void train({ corpus, epochs: 1, dropout: { recurrent: { share: 0.1 } } })
  // @ts-expect-error batch normalisation has no size
  void train({ corpus, epochs: 1, layers: [{ kind: 'batchNorm', size: 3 }] })
  // @ts-expect-error the carry is reset never, each epoch or each batch
  void train({ corpus, epochs: 1, batches: { resetCarry: 'always' } })
  // @ts-expect-error whose loss: the last one's or every one's
  void model.gradientNorms('text', { loss: 'first' })
  // @ts-expect-error a recurrent layer in a list has a size
  void train({ corpus, epochs: 1, layers: [{ kind: 'lstm' }] })
  // @ts-expect-error Adam has no momentum
  void train({ corpus, epochs: 1, optimizer: { kind: 'adam', momentum: 0.9 } })
  // @ts-expect-error clipping is by norm or by value
  void train({ corpus, epochs: 1, clip: { norm: 1, value: 1 } })
  // @ts-expect-error misspelt
  void train({ corpus, epochs: 1, unrolLength: 10 })
  // @ts-expect-error what defines the model is no option of a further training
  void model.train({ epochs: 1, cell: 'lstm' })
  // @ts-expect-error text is needed
  void model.evaluate({})
  void train({
    corpus: {
      files: ['a.txt'],
      lowercase: true,
      newlines: 'space',
      normalize: (text) => text.normalize(),
      maxSymbols: 9,
    },
    vocabulary: { unit: 'grapheme', minCount: 2, unknown: 'symbol' },
    layers: [
      { kind: 'batchNorm', momentum: 0.9 },
      { kind: 'lstm', size: 512, bidirectional: true, dropout: { input: { share: 0.1, mask: 'step' }, between: 0.2 } },
      { kind: 'dropout', share: 0.1, mask: 'sequence' },
      { kind: 'dense', size: 64, activation: 'relu' },
    ],
    schedule: (step) => 1 / (step + 1),
    epochs: 1,
    onProgress: (p) => expectTypeOf(p.validation).toEqualTypeOf<LossReport | undefined>(),
  })
}

/** Nothing of it runs. */
export function ngramsCheckedByTheCompiler(model: NgramModel, train: typeof trainNgramModel): void {
  expectTypeOf(train).returns.resolves.toEqualTypeOf<NgramModel>()
  expectTypeOf(model.sample).returns.resolves.toEqualTypeOf<string>()
  expectTypeOf(model.stream).returns.toEqualTypeOf<ReturnType<CharModel['stream']>>()
  expectTypeOf(model.evaluate).returns.toEqualTypeOf<ReturnType<CharModel['evaluate']>>()
  expectTypeOf(model.probabilities).returns.toEqualTypeOf<Float64Array>()
  expectTypeOf(model.validation).toEqualTypeOf<LossReport | undefined>()
  expectTypeOf({ corpus: { text: 'a' }, validation: { share: 0.2 } }).toExtend<TrainNgramModelOptions>()
  // @ts-expect-error a corpus is needed
  void train({ order: 2 })
  // @ts-expect-error nothing is repeated: there are no epochs
  void train({ corpus: { text: 'a' }, epochs: 1 })
  // @ts-expect-error the context is always the last symbols
  void model.sample({ context: 'carry' })
}

/** The same of models of sequences and series. */
export async function checkedOfSequences(
  rows: SequenceModel,
  train: typeof trainSequenceModel,
  series: SeriesModel,
  trainSeries: typeof trainSeriesModel,
): Promise<void> {
  expectTypeOf(train).returns.resolves.toEqualTypeOf<SequenceModel>()
  expectTypeOf(trainSeries).returns.resolves.toEqualTypeOf<SeriesModel>()
  expectTypeOf(rows.predict).returns.resolves.toEqualTypeOf<Prediction>()
  expectTypeOf(rows.evaluate).returns.resolves.toEqualTypeOf<SequenceReport>()
  expectTypeOf(rows.unroll).returns.resolves.toEqualTypeOf<Unrolled>()
  expectTypeOf(rows.gradientNorms).returns.resolves.toEqualTypeOf<GradientNorms>()
  expectTypeOf(series.forecast).returns.resolves.toEqualTypeOf<SeriesPrediction>()
  expectTypeOf(series.evaluate).returns.resolves.toEqualTypeOf<SeriesReport>()
  expectTypeOf(rows).toExtend<Disposable>()
  expectTypeOf(rows.recipe.unrollLength).toEqualTypeOf<number | undefined>()
  expectTypeOf<Parameters<NonNullable<TrainSequenceModelOptions['onProgress']>>[0]>().toEqualTypeOf<
    Progress<SequenceModel>
  >()
  const data = { inputs: new Int32Array(2), shape: [1, 2], targets: new Int32Array(2) }
  expectTypeOf({ data, vocabulary: 2, loss: 'crossEntropy', epochs: 1 } as const).toExtend<TrainSequenceModelOptions>()
  expectTypeOf({ series: [1, 2, 3], lookback: 1, steps: 1 }).toExtend<TrainSeriesModelOptions>()
  // @ts-expect-error a loss is needed
  void train({ data, epochs: 1 })
  // @ts-expect-error inputs are typed arrays, which say whether they are ids or numbers
  void train({ data: { ...data, inputs: [0, 1] }, loss: 'mse', epochs: 1 })
  // @ts-expect-error no texts are written
  void train({ data, loss: 'mse', epochs: 1, samples: {} })
  // @ts-expect-error one of epochs and steps is needed
  void trainSeries({ series: [1, 2, 3], lookback: 1 })
  // @ts-expect-error windows of a series are as long as its lookback
  void trainSeries({ series: [1, 2, 3], lookback: 1, epochs: 1, unrollLength: 4 })
  void rows.predict({ data })
  // @ts-expect-error what is scored has targets
  void rows.evaluate({ data: { inputs: data.inputs, shape: [1, 2] } })
}
