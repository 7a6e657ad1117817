/** The options of a model's teaching views: `unroll`, `gradientNorms`, `checkGradients`. */
import { integer, oneOf, optional, record, text } from './check.ts'
import { orDefault } from './or-default.ts'
import { signalOption } from './sampling.ts'

export interface UnrollOptions {
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface GradientNormsOptions {
  /**
   * Whose loss flows back: 'last', of the text's last symbol alone, so that its path through time is seen; 'every', the objective of all
   * predictions, as in training (not of a 'last-step' model). @default 'last'
   */
  loss?: 'last' | 'every'
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface CheckGradientsOptions {
  /** What the loss is of, at least two symbols; its time grows with the text's. @default 16 symbols drawn from the vocabulary */
  text?: string
  /** Parameters checked of each tensor, 1 to 10,000; all of a smaller one. @default 5 */
  draws?: number
  /** Of what is drawn. @default 1 */
  seed?: number
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export function unrollOptions(value: unknown): { readonly signal: AbortSignal | undefined } {
  const { signal } = record('', orDefault(value, {}), ['signal'])
  return { signal: optional(signal, (v) => signalOption('signal', v)) }
}

export interface NormsPlan {
  readonly loss: 'last' | 'every'
  readonly signal: AbortSignal | undefined
}

export function gradientNormsOptions(value: unknown): NormsPlan {
  const { loss, signal } = record('', orDefault(value, {}), ['loss', 'signal'])
  return {
    loss: oneOf('loss', orDefault(loss, 'last'), ['last', 'every']),
    signal: optional(signal, (v) => signalOption('signal', v)),
  }
}

export interface CheckPlan {
  readonly text: string | undefined
  readonly draws: number
  readonly seed: number
  readonly signal: AbortSignal | undefined
}

export function checkGradientsOptions(value: unknown): CheckPlan {
  const given = record('', orDefault(value, {}), ['text', 'draws', 'seed', 'signal'])
  return {
    text: optional(given.text, (v) => text('text', v)),
    draws: integer('draws', orDefault(given.draws, 5), { min: 1, max: 10_000 }),
    seed: integer('seed', orDefault(given.seed, 1), { min: 0 }),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}
