/** Clipping of gradients, by global norm or by value. */
import { real, record, refuse } from './check.ts'
import { orDefault } from './or-default.ts'

/** `{ norm }`: all gradients are scaled by min(1, norm / (globalNorm + epsilon)). `{ value }`: each is limited to ±value. `false`: none. */
export type ClipOptions =
  | {
      norm: number
      /** PyTorch's clip_grad_norm_ has 1e-6. @default 0 */
      epsilon?: number
      value?: never
    }
  | { value: number; norm?: never }
  | false

/** JSON of the engine's clipping. */
export type ClipSpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'norm'; readonly theta: number; readonly epsilon: number }
  | { readonly kind: 'value'; readonly limit: number }

export function clipOptions(value: unknown): ClipSpec {
  if (value === undefined) return { kind: 'norm', theta: 5, epsilon: 0 }
  if (value === false) return { kind: 'none' }
  if (typeof value !== 'object' || value === null) return refuse('clip', value, '{ norm }, { value } or false')
  const given = record('clip', value, ['norm', 'epsilon', 'value'])
  if ((given.norm === undefined) === (given.value === undefined))
    return refuse('clip', value, '{ norm }, { value } or false')
  if (given.norm !== undefined) {
    const theta = real('clip.norm', given.norm, { exclusiveMin: 0 })
    return { kind: 'norm', theta, epsilon: real('clip.epsilon', orDefault(given.epsilon, 0), { min: 0 }) }
  }
  if (given.epsilon !== undefined) return refuse('clip.epsilon', given.epsilon, 'left out beside clip.value')
  return { kind: 'value', limit: real('clip.value', given.value, { exclusiveMin: 0 }) }
}
