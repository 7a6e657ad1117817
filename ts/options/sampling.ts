/** The options of `sample` and `stream`, and of the samples made during a training. */
import { randomBytes } from 'node:crypto'
import { type Cadence, type CadenceOptions, cadenceOptions } from './cadence.ts'
import { boolean, fieldIn, integer, isList, oneOf, optional, real, record, refuse, text } from './check.ts'
import { orDefault } from './or-default.ts'

/** How the next symbol is chosen. The cuts act one after the other: temperature, topK, topP, minP. */
export interface ChoiceOptions {
  /** Divides the logits, at least 0; 0 always takes the likeliest symbol. @default 1 */
  temperature?: number
  /** Keeps the k likeliest symbols, at least 1. @default all */
  topK?: number
  /** Keeps the fewest likeliest symbols whose probabilities reach this sum, (0, 1]. @default 1 */
  topP?: number
  /** Keeps symbols at least this share as likely as the likeliest, [0, 1]. @default 0 */
  minP?: number
  /** Always takes the likeliest symbol; not beside a temperature other than 0. @default false */
  greedy?: boolean
}

export interface SamplingOptions extends ChoiceOptions {
  /**
   * What the new text follows, at most 1,000,000 characters, normalised as the corpus was (`lowercase`, `newlines`). An empty
   * one stands for a new line, or for the most frequent symbol where the vocabulary has no new line. @default ''
   */
  prefix?: string
  /**
   * New symbols at most, 0 to 10,000,000. With unit 'byte' a last character of which only some bytes fit is left out.
   * @default 200
   */
  length?: number
  /** Ends the text before the first of these, which is not returned; normalised as the prefix is. @default none */
  stop?: string | readonly string[]
  /** The same seed gives the same text. @default drawn from the system's random source */
  seed?: number
  /**
   * 'carry': each symbol follows from all before it. 'window': from a zero carry over the last `unrollLength` symbols, as a model
   * trained on separate windows knows it; in two directions there is no other. @default 'carry'; 'window' for a 'last-step' model trained
   * on separate windows
   */
  context?: Context
  /** Stops the sampling with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export type Context = 'carry' | 'window'

/** Texts written during the training, at each due step and at its end. */
export interface SamplesOptions extends ChoiceOptions {
  /** @default { epochs: 1 } */
  every?: CadenceOptions
  /** One text for each. @default [''] */
  prefixes?: readonly string[]
  /** New symbols at most, 0 to 10,000,000. @default 200 */
  length?: number
  /** As in `sample`. @default none */
  stop?: string | readonly string[]
  /** @default the training's seed */
  seed?: number
  /** As in `sample`. @default 'carry'; 'window' for a 'last-step' model trained on separate windows */
  context?: Context
}

/** JSON of the engine's choice: topK 0 = all. */
export interface Choice {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly greedy: boolean
}

export interface Sampling {
  /** Path of the options, for errors. */
  readonly field: string
  readonly choice: Choice
  readonly prefix: string
  readonly length: number
  readonly stop: readonly string[]
  readonly seed: number
  /** `undefined`: as the model was trained. */
  readonly context: Context | undefined
  readonly signal: AbortSignal | undefined
}

export interface Samples {
  readonly every: Cadence
  /** One for each prefix. */
  readonly samplings: readonly Sampling[]
}

const CHOICE_KEYS = ['temperature', 'topK', 'topP', 'minP', 'greedy'] as const
const COMMON_KEYS = [...CHOICE_KEYS, 'length', 'stop', 'seed', 'context'] as const
const LONGEST_PREFIX = 1_000_000
const LONGEST_TEXT = 10_000_000

export function samplingOptions(value: unknown): Sampling {
  const given = record('', orDefault(value, {}), [...COMMON_KEYS, 'prefix', 'signal'])
  return {
    ...commonOptions('', given, randomSeed),
    prefix: prefixOption('prefix', orDefault(given.prefix, '')),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

export function samplesOptions(field: string, value: unknown, seed: number): Samples | undefined {
  if (value === undefined) return undefined
  const given = record(field, value, [...COMMON_KEYS, 'every', 'prefixes'])
  const common = commonOptions(field, given, () => seed)
  const prefixes = orDefault(given.prefixes, [''])
  const at = fieldIn(field, 'prefixes')
  if (!isList(prefixes) || prefixes.length === 0) return refuse(at, prefixes, 'a list of at least one text')
  return {
    every: cadenceOptions(fieldIn(field, 'every'), orDefault(given.every, { epochs: 1 })),
    samplings: Array.from(prefixes, (prefix, i) => {
      const path = `${at}[${i}]`
      return { ...common, field: path, prefix: prefixOption(path, prefix), signal: undefined }
    }),
  }
}

type Given = { [K in (typeof COMMON_KEYS)[number]]?: unknown }

function commonOptions(field: string, given: Given, otherSeed: () => number): Omit<Sampling, 'prefix' | 'signal'> {
  return {
    field,
    choice: choiceOptions(field, given),
    length: integer(fieldIn(field, 'length'), orDefault(given.length, 200), { min: 0, max: LONGEST_TEXT }),
    stop: stopOption(fieldIn(field, 'stop'), orDefault(given.stop, [])),
    seed: optional(given.seed, (v) => integer(fieldIn(field, 'seed'), v, { min: 0 })) ?? otherSeed(),
    context: optional(given.context, (v) => oneOf(fieldIn(field, 'context'), v, ['carry', 'window'])),
  }
}

function choiceOptions(field: string, given: Given): Choice {
  const at = (key: string) => fieldIn(field, key)
  const greedy = boolean(at('greedy'), orDefault(given.greedy, false))
  const temperature = real(at('temperature'), orDefault(given.temperature, greedy ? 0 : 1), { min: 0 })
  if (greedy && temperature !== 0) refuse(at('temperature'), temperature, 'left out or 0 where greedy is set')
  return {
    temperature,
    topK: given.topK === undefined ? 0 : integer(at('topK'), given.topK, { min: 1 }),
    topP: real(at('topP'), orDefault(given.topP, 1), { exclusiveMin: 0, max: 1 }),
    minP: real(at('minP'), orDefault(given.minP, 0), { min: 0, max: 1 }),
    greedy: temperature === 0,
  }
}

function prefixOption(field: string, value: unknown): string {
  const prefix = text(field, value)
  return prefix.length <= LONGEST_PREFIX
    ? prefix
    : refuse(field, prefix, `at most ${LONGEST_PREFIX} UTF-16 code units (it has ${prefix.length})`)
}

function stopOption(field: string, value: unknown): string[] {
  const stops: unknown[] = isList(value) ? Array.from(value) : [value]
  return stops.map((stop, i) => {
    const path = isList(value) ? `${field}[${i}]` : field
    return stop === '' ? refuse(path, stop, 'a text of at least one character') : text(path, stop)
  })
}

/** An AbortSignal, of another realm or library too: anything that tells `aborted` and takes listeners. */
export function signalOption(field: string, value: unknown): AbortSignal {
  return isSignal(value) ? value : refuse(field, value, 'an AbortSignal')
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  try {
    const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
    const methods = [addEventListener, removeEventListener]
    return typeof aborted === 'boolean' && methods.every((method) => typeof method === 'function')
  } catch {
    // A getter or proxy that throws.
    return false
  }
}

function randomSeed(): number {
  return randomBytes(6).readUIntBE(0, 6)
}
