/** The teaching views of a model of text: from text to a sequence, and the symbols beside what was seen. */
import { normalising } from '../corpus/read-corpus.ts'
import { RnnKitError } from '../errors.ts'
import type { Sequence } from '../native/engine-session.ts'
import { refuse } from '../options/check.ts'
import type { CheckPlan, NormsPlan } from '../options/views.ts'
import { below, streamKey } from '../random.ts'
import { inSlices } from '../slices.ts'
import { scorableIds } from '../training/scorable-ids.ts'
import { checkSequenceGradients, type GradientCheck } from '../views/gradient-check.ts'
import { type GradientNorms, sequenceGradientNorms } from '../views/gradient-norms.ts'
import { type Matrix, softmax } from '../views/matrix.ts'
import { type UnrolledLayer, unrollSequence } from '../views/unroll.ts'
import type { CharParts } from './parts.ts'

/** A text of T symbols, seen from inside. */
export interface UnrolledText {
  /** The symbols read, [T]. */
  symbols: string[]
  /** Every direction of every recurrent layer. */
  layers: UnrolledLayer[]
  /**
   * What comes next: row t has the probability of each symbol of the vocabulary after symbol t, [T, V]; [1, V], after the last, of a model
   * that predicts at the last step.
   */
  probabilities: Matrix
}

/** Of a text of T + 1 symbols: T are read, and the last is predicted only. */
export interface TextGradientNorms extends GradientNorms {
  /** The symbols read, [T]. */
  symbols: string[]
}

/** Symbols of the text that gradients are checked on by default. */
const DRAWN = 16
/** Of the stream of draws, one that no tensor has. */
const TEXT = 2 ** 32 - 1

export async function unrollText(parts: CharParts, text: string, signal?: AbortSignal): Promise<UnrolledText> {
  const { session, vocabulary, rules } = parts
  const normal = await inSlices(normalising(text, { ...rules, field: 'text', normalize: undefined }), signal)
  const ids = await inSlices(vocabulary.encoding(normal, 'text'), signal)
  if (ids.length === 0) throw emptyText()
  const { layers, outputs } = await unrollSequence(session, { ids }, vocabulary.size, signal)
  return { symbols: symbolsOf(parts, ids), layers, probabilities: softmax(outputs) }
}

export async function textGradientNorms(parts: CharParts, text: string, plan: NormsPlan): Promise<TextGradientNorms> {
  const { loss, signal } = plan
  if (loss === 'every' && parts.spec.head.predict === 'lastStep') {
    refuse('loss', loss, "'last' for a model that predicts at the last step alone")
  }
  const ids = await scorableIds(parts, text, signal)
  const sequence = predicted(ids, loss)
  const norms = await sequenceGradientNorms(parts.session, sequence, parts.recipe.clip, signal)
  return { symbols: symbolsOf(parts, ids.subarray(0, -1)), ...norms }
}

export async function checkTextGradients(parts: CharParts, plan: CheckPlan): Promise<GradientCheck> {
  const { text, draws, seed, signal } = plan
  const ids = text === undefined ? drawnSymbols(parts, seed) : await scorableIds(parts, text, signal)
  const sequence = predicted(ids, parts.spec.head.predict === 'lastStep' ? 'last' : 'every')
  return await checkSequenceGradients(parts.session, { sequence, draws, seed }, signal)
}

/** All symbols but the last are read, and each next one is the target, or the last alone. */
function predicted(ids: Uint32Array, loss: 'last' | 'every'): Sequence {
  const inputs = { ids: ids.slice(0, -1) }
  const targets = { ids: ids.slice(1) }
  if (loss === 'every') return { inputs, targets }
  const mask = new Float32Array(inputs.ids.length)
  mask[mask.length - 1] = 1
  return { inputs, targets, mask }
}

function drawnSymbols({ vocabulary }: CharParts, seed: number): Uint32Array {
  const key = streamKey(seed, 'gradientCheck', TEXT)
  return Uint32Array.from({ length: DRAWN }, (_, i) => below(key, i, vocabulary.size))
}

function symbolsOf({ vocabulary }: CharParts, ids: Uint32Array): string[] {
  const { symbols } = vocabulary
  return Array.from(ids, (id) => symbols[id]!)
}

function emptyText(): RnnKitError {
  const message = 'text has no symbols that the model knows: to unroll it, it must have at least 1'
  return new RnnKitError({ code: 'ERR_CORPUS_TOO_SHORT', message, field: 'text', value: 0 })
}
