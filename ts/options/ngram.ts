/** The options of `trainNgramModel` and of an n-gram model's methods and `NgramModel.load`. */
import { integer, optional, real, record, refuse, text } from './check.ts'
import { type CorpusOptions, corpusOptions, type NormalCorpusOptions } from './corpus.ts'
import { orDefault } from './or-default.ts'
import { type Sampling, type SamplingOptions, samplingOptions, signalOption } from './sampling.ts'
import { checkShares, plainShare } from './share.ts'
import { type EvaluateOptions, MAX_FILE_BYTES } from './train-char-model.ts'
import { DEFAULT_VALIDATION } from './training.ts'
import { type NormalVocabularyOptions, type VocabularyOptions, vocabularyOptions } from './vocabulary.ts'

/** The longest n-grams that are counted. */
export const MAX_ORDER = 8
/** Far beyond use: all symbols are equally likely from there on. */
const MOST_SMOOTHING = 1e9

/** Only `corpus` is required. `corpus`, `vocabulary`, `validation` and `test` mean what they mean to `trainCharModel`. */
export interface TrainNgramModelOptions {
  /** The text: itself, or the paths of UTF-8 files. */
  corpus: CorpusOptions
  /** What one symbol is; taken from the whole text. @default { unit: 'char', minCount: 1, unknown: 'error' } */
  vocabulary?: VocabularyOptions
  /** Length n of the n-grams, 1 to 8: a symbol is predicted from the n - 1 before it; 1 looks at none. @default 3 */
  order?: number
  /**
   * Added to every count, 0 to 1e9: 1 is Laplace's rule, less is Lidstone's. With 0 what never followed a context has probability 0
   * there, and a text that has it is scored Infinity. @default 0.1
   */
  smoothing?: number
  /** Last share of the text, not counted but scored. @default 0.1 */
  validation?: number | { share: number }
  /** Share of the text behind the validation's, not counted but scored. @default 0 */
  test?: number | { share: number }
  /** Stops the counting with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

/** As `SamplingOptions`, without `context`: an n-gram model always looks at the last `order - 1` symbols. */
export type NgramSamplingOptions = Omit<SamplingOptions, 'context'>

/** As `EvaluateOptions`, without `context`. */
export type NgramEvaluateOptions = Omit<EvaluateOptions, 'context'>

export interface NgramLoadOptions {
  /** Refuses larger files, in bytes. @default 4 GiB */
  maxFileBytes?: number
}

export interface NgramPlan {
  readonly corpus: NormalCorpusOptions
  readonly vocabulary: NormalVocabularyOptions
  readonly order: number
  readonly smoothing: number
  /** Shares in [0, 1). */
  readonly validation: number
  readonly test: number
  readonly signal: AbortSignal | undefined
}

export function trainNgramModelOptions(value: unknown): NgramPlan {
  const keys = ['corpus', 'vocabulary', 'order', 'smoothing', 'validation', 'test', 'signal'] as const
  const given = record('', value, keys)
  const validation = plainShare('validation', given.validation, DEFAULT_VALIDATION.share)
  const test = plainShare('test', given.test, 0)
  checkShares({ share: validation }, { share: test })
  return {
    corpus: corpusOptions('corpus', given.corpus),
    vocabulary: vocabularyOptions('vocabulary', given.vocabulary),
    order: orderOption(orDefault(given.order, 3)),
    smoothing: smoothingOption(orDefault(given.smoothing, 0.1)),
    validation,
    test,
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

/** As `trainNgramModel` and files have it. */
export function orderOption(value: unknown): number {
  return integer('order', value, { min: 1, max: MAX_ORDER })
}

/** As `trainNgramModel` and files have it. */
export function smoothingOption(value: unknown): number {
  return real('smoothing', value, { min: 0, max: MOST_SMOOTHING })
}

export function ngramSamplingOptions(value: unknown): Sampling {
  const sampling = samplingOptions(value)
  if (sampling.context === undefined) return sampling
  return refuse('context', sampling.context, 'left out: an n-gram model looks at the last order - 1 symbols')
}

export function ngramEvaluateOptions(value: unknown): {
  readonly text: string
  readonly signal: AbortSignal | undefined
} {
  const given = record('', value, ['text', 'signal'])
  return { text: text('text', given.text), signal: optional(given.signal, (v) => signalOption('signal', v)) }
}

/** Bytes that a file may have. */
export function ngramLoadOptions(value: unknown): number {
  const given = record('', orDefault(value, {}), ['maxFileBytes'])
  return integer('maxFileBytes', orDefault(given.maxFileBytes, MAX_FILE_BYTES), { min: 1 })
}
