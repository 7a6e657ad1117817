/** Writes text: feeds a prefix, lets the engine choose symbols, and gives out whole characters up to a stop text. */
import { normaliseText } from '../corpus/read-corpus.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import type { Session } from '../native/engine-session.ts'
import type { TextRules } from '../options/corpus.ts'
import type { Context, Sampling } from '../options/sampling.ts'
import { StopText } from './stop-text.ts'

/** What a text is written with: streams of symbols. */
export type SamplingSession = Pick<Session, 'beginSampling' | 'feed' | 'sample' | 'endSampling'>

export interface Writing {
  readonly session: SamplingSession
  readonly vocabulary: Vocabulary
  readonly sampling: Sampling
  /** The prefix's symbols, at least one: `prefixSymbols`. */
  readonly prefix: Uint32Array
  readonly context: Context
  /** Symbols that a 'window' looks at. */
  readonly unrollLength: number
  /** Symbols in the next call of the engine, after so many. */
  readonly portion: (written: number) => number
  /** Runs a call of the engine when it is this text's turn. */
  readonly turn: <T>(call: () => Promise<T>) => Promise<T>
}

/** Symbols in a call of the engine, which an abort can stop at any of them. */
const MOST_SYMBOLS = 4096

/** Few calls; with a stop text larger and larger ones, so that one early on costs little. */
function portionsOf({ stop }: Sampling): Writing['portion'] {
  if (stop.length === 0) return () => MOST_SYMBOLS
  return (written) => Math.min(MOST_SYMBOLS, Math.max(64, written))
}

/** Small, so that a reader sees text as it comes. */
export function smallPortion(): number {
  return 32
}

/** Ids to feed for a prefix; an empty one stands for a new line, else for the most frequent symbol. */
export function prefixSymbols(vocabulary: Vocabulary, field: string, prefix: string): Uint32Array {
  const ids = vocabulary.encode(prefix, field)
  return ids.length > 0 ? ids : Uint32Array.of(vocabulary.idOf('\n') ?? vocabulary.mostFrequent)
}

/** Vocabulary, prefix and stop texts of a writing, the texts normalised as the corpus was. @throws ERR_UNKNOWN_SYMBOL */
export function startOfText(
  { vocabulary, rules }: { readonly vocabulary: Vocabulary; readonly rules: TextRules },
  sampling: Sampling,
): Pick<Writing, 'vocabulary' | 'sampling' | 'prefix'> {
  const field = sampling.field === '' ? 'prefix' : sampling.field
  const normalised = (text: string) => normaliseText(text, { ...rules, field, normalize: undefined })
  return {
    vocabulary,
    sampling: { ...sampling, stop: sampling.stop.map(normalised) },
    prefix: prefixSymbols(vocabulary, field, normalised(sampling.prefix)),
  }
}

/** The whole new text, written in one go. */
export async function writeWhole(writing: Omit<Writing, 'portion' | 'turn'>): Promise<string> {
  let text = ''
  const portion = portionsOf(writing.sampling)
  for await (const piece of write({ ...writing, portion, turn: (call) => call() })) text += piece
  return text
}

/** The new text in pieces, each of whole characters. The pieces joined depend on the seed alone, not on the portions. */
export async function* write(writing: Writing): AsyncGenerator<string, void, undefined> {
  const { session, sampling, prefix, context, unrollLength, turn } = writing
  if (sampling.length === 0) return
  const stream = await turn(() =>
    session.beginSampling({
      options: sampling.choice,
      seed: sampling.seed,
      context: context === 'carry' ? { kind: 'carry' } : { kind: 'window', length: unrollLength },
    }),
  )
  try {
    await turn(() => session.feed(stream, prefix, sampling.signal))
    yield* pieces(writing, stream)
  } finally {
    // A session that was closed meanwhile has no streams left to end.
    await session.endSampling(stream).catch(() => {})
  }
}

async function* pieces({ session, vocabulary, sampling, portion, turn }: Writing, stream: number) {
  const decoder = vocabulary.decoder()
  const stop = new StopText(sampling.stop)
  let written = 0
  while (written < sampling.length && !stop.stopped) {
    const count = Math.min(portion(written), sampling.length - written)
    const ids = await turn(() => session.sample(stream, count, sampling.signal))
    written += count
    const piece = stop.push(decoder.push(ids))
    if (piece !== '') yield piece
  }
  const rest = stop.push(decoder.end()) + stop.end()
  if (rest !== '') yield rest
}
