/** Copies options that are kept for later: each property read once, own ones only. */
import { isRnnKitError, RnnKitError } from '../errors.ts'
import { fieldIn, isPlainObject, refuse } from './check.ts'

/** Options lie no deeper than this; what does is circular or not an option. */
const DEEPEST = 4

/**
 * Plain objects and arrays are copied, everything else (numbers, texts, functions, instances of classes) stays itself.
 * @throws ERR_INVALID_OPTION for a getter or proxy that throws
 */
export function plainCopy(field: string, value: unknown): unknown {
  try {
    return copyOf(field, value, 0)
  } catch (cause) {
    if (isRnnKitError(cause)) throw cause
    const message = `${field} could not be read: it must have plain properties, and a getter or proxy threw`
    throw new RnnKitError({ code: 'ERR_INVALID_OPTION', message, field, cause })
  }
}

function copyOf(field: string, value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEEPEST) return refuse(field, value, 'less deeply nested')
  if (Array.isArray(value)) return Array.from(value, (entry, i) => copyOf(`${field}[${i}]`, entry, depth + 1))
  if (!isPlainObject(value)) return value
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const property = copyOf(fieldIn(field, key), (value as Record<string, unknown>)[key], depth + 1)
    // Not by assignment, which a key such as __proto__ would misuse.
    Object.defineProperty(copy, key, { value: property, enumerable: true })
  }
  return copy
}
