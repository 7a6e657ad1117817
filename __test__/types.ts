/** What the types of the public API promise and refuse, checked by the compiler (`tsc -p tsconfig.check.json`). */
import { expectTypeOf } from 'expect-type'
import type {
  CharModel,
  HistoryEntry,
  LoadOptions,
  LossReport,
  ModelDevice,
  Parameter,
  Progress,
  SamplingOptions,
  TrainCharModelOptions,
  TrainOptions,
  trainCharModel,
} from '../ts/index.ts'

/** Nothing of it runs. */
export function checkedByTheCompiler(model: CharModel, train: typeof trainCharModel): void {
  expectTypeOf(train).returns.resolves.toEqualTypeOf<CharModel>()
  expectTypeOf(model.sample).returns.resolves.toEqualTypeOf<string>()
  expectTypeOf(model.stream).returns.toExtend<AsyncIterable<string>>()
  expectTypeOf(model.evaluate).returns.resolves.toEqualTypeOf<LossReport>()
  expectTypeOf(model.parameters).returns.toEqualTypeOf<Record<string, Parameter>>()
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
  void train({ corpus, epochs: 1, precision: 'bf16' })
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
      { kind: 'lstm', size: 512, dropout: { between: 0.2 } },
      { kind: 'dense', size: 64, activation: 'relu' },
    ],
    schedule: (step) => 1 / (step + 1),
    epochs: 1,
    onProgress: (p) => expectTypeOf(p.validation).toEqualTypeOf<LossReport | undefined>(),
  })
}
