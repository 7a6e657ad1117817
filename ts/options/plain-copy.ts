/** Copies options that are kept for later: each property read once, own ones only. */
import { fieldIn, refuse } from './check.ts'

/** Options lie no deeper than this; what does is circular or not an option. */
const DEEPEST = 4

/** Plain objects and arrays are copied, everything else (numbers, texts, functions) stays itself. */
export function plainCopy(field: string, value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEEPEST) return refuse(field, value, 'less deeply nested')
  if (Array.isArray(value)) return Array.from(value, (entry, i) => plainCopy(`${field}[${i}]`, entry, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: plainCopy(fieldIn(field, key), (value as Record<string, unknown>)[key], depth + 1),
      enumerable: true,
    })
  }
  return copy
}
