/** The counted n-grams of a text as a model: it writes, scores, tells its probabilities, and goes into a file and out of it. */
import { stoppable, stoppablePieces } from '../aborted.ts'
import { normaliseText } from '../corpus/read-corpus.ts'
import type { Unit } from '../corpus/segment.ts'
import type { LossReport } from '../metrics.ts'
import { integer, text } from '../options/check.ts'
import {
  type NgramEvaluateOptions,
  type NgramLoadOptions,
  type NgramSamplingOptions,
  ngramEvaluateOptions,
  ngramSamplingOptions,
} from '../options/ngram.ts'
import { inSlices } from '../slices.ts'
import { scorableIds } from '../training/scorable-ids.ts'
import { loadNgramModel, saveNgramModel } from './file.ts'
import { countAt } from './gram-table.ts'
import type { NgramParts } from './parts.ts'
import { contextBefore, distribution } from './probabilities.ts'
import { scoreReport, scoring } from './score.ts'
import { streamNgramText, writeNgramText } from './writing.ts'

/** An n-gram, and how often it occurs in the training text. */
export interface NgramCount {
  /** Its symbols, joined; bytes that are not UTF-8 and the unknown symbol as U+FFFD. */
  gram: string
  count: number
}

/**
 * Made by `trainNgramModel` or `NgramModel.load`; never changes, and holds nothing that must be disposed of.
 *
 * A symbol w is predicted from its context c, the `order - 1` symbols before it, by additive smoothing over the V symbols of the
 * vocabulary: p(w | c) = (count(c, w) + smoothing) / (count(c) + smoothing · V), where count(c) is how often c was followed by any
 * symbol. Where fewer symbols stand before it (at a text's start, after a short prefix) all of them are c, and the counts are those of
 * the accordingly shorter n-grams, anywhere in the training text. After a c that never occurred every symbol has 1 / V.
 */
export class NgramModel {
  readonly #parts: NgramParts

  /** @internal */
  constructor(parts: NgramParts) {
    this.#parts = parts
  }

  /**
   * Reads a model from a file that `save` wrote.
   * @throws ERR_CHECKPOINT_… for anything else, ERR_INVALID_OPTION, ERR_MEMORY
   */
  static async load(path: string, options?: NgramLoadOptions): Promise<NgramModel> {
    return new NgramModel(await loadNgramModel(path, options))
  }

  /** Length of the longest n-grams. */
  get order(): number {
    return this.#parts.grams.order
  }

  /** What is added to every count. */
  get smoothing(): number {
    return this.#parts.smoothing
  }

  /** The symbols that the model knows, in the order of their ids. */
  get vocabulary(): readonly string[] {
    return this.#parts.vocabulary.symbols
  }

  /** What one symbol is. */
  get unit(): Unit {
    return this.#parts.vocabulary.unit
  }

  /** The score of the share that was kept for validation; `undefined` where there was none. */
  get validation(): LossReport | undefined {
    const { validation } = this.#parts.scores
    return validation && scoreReport(validation)
  }

  /** The score of the share that was kept for the test; `undefined` where there was none. */
  get test(): LossReport | undefined {
    const { test } = this.#parts.scores
    return test && scoreReport(test)
  }

  /**
   * The probability of each symbol after a context, `[V]` in the vocabulary's order; their sum is 1.
   * @param context text, normalised as the corpus was, of which the last `order - 1` symbols count
   * @throws ERR_UNKNOWN_SYMBOL, ERR_INVALID_OPTION, ERR_LONE_SURROGATE
   */
  probabilities(context = ''): Float64Array {
    const { grams, vocabulary, rules } = this.#parts
    const normal = normaliseText(text('context', context), { ...rules, field: 'context', normalize: undefined })
    const ids = vocabulary.encode(normal, 'context')
    return distribution(contextBefore(grams, ids, ids.length), this.#parts)
  }

  /**
   * The n-grams of one length that occur in the training text, by falling frequency; equals in the order of their symbols' ids.
   * @param n length, 1 to `order`
   * @param most how many to return, at least 1; all by default
   * @throws ERR_INVALID_OPTION
   */
  counts(n: number, most?: number): NgramCount[] {
    const { grams, vocabulary } = this.#parts
    const level = grams.levels[integer('n', n, { min: 1, max: grams.order }) - 1]!
    const limit = most === undefined ? level.symbols.length : integer('most', most, { min: 1 })
    const places = level.symbols.map((_, place) => place).sort((a, b) => countAt(level, b) - countAt(level, a) || a - b)
    return Array.from(places.subarray(0, limit), (place) => ({
      gram: vocabulary.decode(grams.symbolsOf(n, place)),
      count: countAt(level, place),
    }))
  }

  /**
   * New text after a prefix (the new text only).
   * @throws ERR_UNKNOWN_SYMBOL for a prefix with symbols the model does not know, ERR_ABORTED, ERR_INVALID_OPTION, ERR_MEMORY
   */
  async sample(options?: NgramSamplingOptions): Promise<string> {
    const sampling = ngramSamplingOptions(options)
    return await stoppable('the sampling', sampling.signal, () => writeNgramText(this.#parts, sampling))
  }

  /**
   * The text of `sample` in pieces as they come; none ends within a character or within a stop text. Bad options are thrown at once.
   * @throws as `sample`
   */
  stream(options?: NgramSamplingOptions): AsyncGenerator<string, void, undefined> {
    const sampling = ngramSamplingOptions(options)
    return stoppablePieces('the sampling', sampling.signal, streamNgramText(this.#parts, sampling))
  }

  /**
   * Scores a text: each symbol once but the first, as `CharModel.evaluate` does. `loss` is the mean of the nats. With smoothing 0 a symbol
   * that never followed its context makes `loss`, `perplexity` and `bitsPerChar` Infinity.
   * @throws ERR_CORPUS_TOO_SHORT for fewer than two symbols, ERR_UNKNOWN_SYMBOL, ERR_ABORTED, ERR_INVALID_OPTION
   */
  async evaluate(options: NgramEvaluateOptions): Promise<LossReport> {
    const { text, signal } = ngramEvaluateOptions(options)
    const parts = this.#parts
    return await stoppable('the evaluation', signal, async () => {
      const ids = await scorableIds(parts, text, signal)
      return scoreReport(await inSlices(scoring(parts.grams, parts, ids), signal))
    })
  }

  /**
   * Writes the model to a safetensors file, durably: an old file of that name stays whole until the new one is. It holds the n-grams, and so
   * the more of the training text the higher the order.
   * @throws ERR_CHECKPOINT_WRITE, ERR_INVALID_OPTION, ERR_MEMORY
   */
  async save(path: string): Promise<void> {
    await saveNgramModel(path, this.#parts)
  }
}
