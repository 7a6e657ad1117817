/** Small checks from which the options' normalisers are made: each returns the value typed, or throws naming field, value and remedy. */
import { RnnKitError } from '../errors.ts'
import { nearestName } from './nearest-name.ts'

export interface IntegerRange {
  /** @default Number.MIN_SAFE_INTEGER */
  min?: number
  /** @default Number.MAX_SAFE_INTEGER */
  max?: number
}

export interface RealRange {
  min?: number
  max?: number
  /** The value must be greater than this. */
  exclusiveMin?: number
  /** The value must be less than this. */
  exclusiveMax?: number
}

/** The path of `key` inside `parent`; the outermost options object is `''`. */
export function fieldIn(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

/** `value` in a few words, for a message: never long, never calls anything of the value's own. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)
    case 'bigint':
      return value < 10n ** 30n && value > -(10n ** 30n) ? `${value}n` : 'a huge BigInt'
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'object':
      if (value === null) return 'null'
      return isList(value) ? describeList(value) : 'an object'
    default:
      return String(value)
  }
}

/** Whether `value` is an array; a proxy that was revoked is none. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

function describeList(list: readonly unknown[]): string {
  try {
    return list.length === 0 ? 'an empty array' : `an array of ${list.length}`
  } catch {
    return 'an array'
  }
}

/** Throws ERR_INVALID_OPTION, or ERR_MISSING_OPTION for `undefined`; `wants` ends the sentence "it must be …". */
export function refuse(field: string, value: unknown, wants: string): never {
  const missing = value === undefined
  throw new RnnKitError({
    code: missing ? 'ERR_MISSING_OPTION' : 'ERR_INVALID_OPTION',
    message: `${field} is ${missing ? 'missing' : describe(value)}: it must be ${wants}`,
    field,
    value,
  })
}

/** A whole number in [min, max]. */
export function integer(field: string, value: unknown, range: IntegerRange = {}): number {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value === 0 ? 0 : value
  }
  const tooLarge = typeof value === 'number' && value > max
  return refuse(field, value, `a whole number ${integerWords(min, max, tooLarge)}`)
}

function integerWords(min: number, max: number, tooLarge: boolean): string {
  if (max === Number.MAX_SAFE_INTEGER && !(tooLarge && min !== Number.MIN_SAFE_INTEGER))
    return min === Number.MIN_SAFE_INTEGER ? 'below 2^53' : `of at least ${min}`
  return min === Number.MIN_SAFE_INTEGER ? `of at most ${max}` : `from ${min} to ${max}`
}

/** A finite number within the range. */
export function real(field: string, value: unknown, range: RealRange = {}): number {
  const { min, max, exclusiveMin, exclusiveMax } = range
  const within =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (exclusiveMin === undefined || value > exclusiveMin) &&
    (exclusiveMax === undefined || value < exclusiveMax)
  if (within) return value
  const bounds: string[] = []
  if (min !== undefined) bounds.push(`at least ${min}`)
  if (exclusiveMin !== undefined) bounds.push(`greater than ${exclusiveMin}`)
  if (max !== undefined) bounds.push(`at most ${max}`)
  if (exclusiveMax !== undefined) bounds.push(`less than ${exclusiveMax}`)
  return refuse(field, value, bounds.length === 0 ? 'a finite number' : `a finite number, ${bounds.join(' and ')}`)
}

/** One of a few strings. */
export function oneOf<const Name extends string>(field: string, value: unknown, names: readonly Name[]): Name {
  const found = names.find((name) => name === value)
  if (found !== undefined) return found
  const nearest = typeof value === 'string' ? nearestName(value, names) : undefined
  const wants = `one of ${names.map((name) => `'${name}'`).join(', ')}`
  return refuse(field, value, nearest === undefined ? wants : `${wants} (did you mean '${nearest}'?)`)
}

export function boolean(field: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(field, value, 'true or false')
}

// biome-ignore lint/suspicious/noExplicitAny: the caller names the signature; only being callable can be checked here
export function callback<F extends (...args: any[]) => unknown>(field: string, value: unknown): F {
  return typeof value === 'function' ? (value as F) : refuse(field, value, 'a function')
}

/** A string without lone surrogates (ERR_LONE_SURROGATE), which no encoding of text could keep. */
export function text(field: string, value: unknown): string {
  if (typeof value !== 'string') return refuse(field, value, 'a string')
  return wellFormed(field, value)
}

/** `value` itself, or ERR_LONE_SURROGATE with the UTF-16 index of the first half of a surrogate pair without its other half. */
export function wellFormed(field: string, value: string): string {
  if (value.isWellFormed()) return value
  const index = value.search(/\p{Surrogate}/u)
  throw new RnnKitError({
    code: 'ERR_LONE_SURROGATE',
    message: `${field} has half a surrogate pair (U+${value.charCodeAt(index).toString(16).toUpperCase()}) at index ${index}: it must be well-formed text (String.prototype.toWellFormed repairs it)`,
    field,
    value,
    position: index,
  })
}

/** The check's result, or `undefined` for an option that was left out. `null` is not leaving out. */
export function optional<T>(value: unknown, check: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(value)
}

/**
 * A copy of an options object: own properties only, each read once, those that are `undefined` left out. A key that is
 * not allowed is ERR_UNKNOWN_OPTION with the nearest allowed one; a getter that throws is ERR_INVALID_OPTION.
 * @param shape what would do, for the message
 */
export function record<const Key extends string>(
  field: string,
  value: unknown,
  allowedKeys: readonly Key[],
  shape = shapeOf(field, allowedKeys),
): { [K in Key]?: unknown } {
  return onlyKeys(field, snapshot(field, value, shape), allowedKeys, '')
}

/** `{ unit, minCount, unknown }`; of many keys only the first few. */
function shapeOf(field: string, keys: readonly string[]): string {
  if (field === '' || keys.length === 0) return 'an object of options'
  return `{ ${keys.slice(0, 4).join(', ')}${keys.length > 4 ? ', …' : ''} }`
}

/** What `variant` gives: the kind, and the other options that this kind has. */
export type Variant<Kinds extends Record<string, readonly string[]>> = {
  [Kind in keyof Kinds & string]: { kind: Kind; given: { [K in Kinds[Kind][number]]?: unknown } }
}[keyof Kinds & string]

/**
 * Like `record` for an object whose `kind` says which other keys it may have. A string stands for `{ kind: string }`.
 * @param kinds the keys, besides `kind`, of each kind
 */
export function variant<const Kinds extends Record<string, readonly string[]>>(
  field: string,
  value: unknown,
  kinds: Kinds,
): Variant<Kinds> {
  const names = Object.keys(kinds)
  if (typeof value === 'string') return { kind: oneOf(field, value, names), given: {} } as Variant<Kinds>
  const { kind: givenKind, ...others } = snapshot(field, value, `an object with a kind: ${names.join(', ')}`)
  const kind = oneOf(fieldIn(field, 'kind'), givenKind, names)
  return { kind, given: onlyKeys(field, others, kinds[kind]!, ` of kind '${kind}'`) } as Variant<Kinds>
}

function snapshot(field: string, value: unknown, wants: string): Record<string, unknown> {
  const name = field === '' ? 'options' : field
  if (typeof value !== 'object' || value === null || isList(value)) return refuse(name, value, wants)
  if (!readSafely(field, () => isPlainObject(value))) {
    return refuse(name, value, `${wants}, as a plain object and not as an instance of a class`)
  }
  const copy: Record<string, unknown> = Object.create(null)
  for (const key of readSafely(field, () => Object.keys(value))) {
    copy[key] = readSafely(fieldIn(field, key), () => (value as Record<string, unknown>)[key])
  }
  return copy
}

/** Whether no class but Object itself, of any realm, made it. */
export function isPlainObject(value: object): boolean {
  let prototype: object | null = Object.getPrototypeOf(value)
  while (prototype !== null && !Object.hasOwn(prototype, 'constructor')) prototype = Object.getPrototypeOf(prototype)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function onlyKeys<Key extends string>(
  field: string,
  given: Record<string, unknown>,
  allowedKeys: readonly Key[],
  ofKind: string,
): { [K in Key]?: unknown } {
  const copy: { [K in Key]?: unknown } = Object.create(null)
  for (const [key, property] of Object.entries(given)) {
    const known = allowedKeys.find((allowed) => allowed === key)
    if (known === undefined) return refuseKey(field, key, allowedKeys, ofKind)
    if (property !== undefined) copy[known] = property
  }
  return copy
}

function readSafely<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const name = field === '' ? 'options' : field
    const message = `${name} could not be read: it must be a plain property, and its getter or proxy threw`
    throw new RnnKitError({ code: 'ERR_INVALID_OPTION', message, field: name, cause })
  }
}

function refuseKey(parent: string, key: string, allowedKeys: readonly string[], ofKind: string): never {
  const field = fieldIn(parent, key)
  const nearest = nearestName(key, allowedKeys)
  const known = allowedKeys.length === 0 ? 'it has none' : `known are ${allowedKeys.join(', ')}`
  throw new RnnKitError({
    code: 'ERR_UNKNOWN_OPTION',
    message: `${field} is not an option${ofKind}: ${nearest === undefined ? known : `did you mean ${fieldIn(parent, nearest)}?`}`,
    field,
    value: key,
  })
}
