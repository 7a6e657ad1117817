/** Compares the tensors computed for a case with the answers that the case carries. */
import type { Case, Tensor } from './safetensors.ts'

const DEFAULT_RTOL = 1e-4
const DEFAULT_ATOL = 1e-5

interface Tolerance {
  rtol: number
  atol: number
}

/**
 * What does not hold, one sentence a tensor; empty when the case passes.
 * @param factor how many times its tolerance the case may be off
 */
export function compareCase({ metadata, tensors }: Case, computed: ReadonlyMap<string, Tensor>, factor = 1): string[] {
  const tolerance = {
    rtol: factor * Number(metadata.rtol ?? DEFAULT_RTOL),
    atol: factor * Number(metadata.atol ?? DEFAULT_ATOL),
  }
  const optional = beginnings(metadata.optional)
  const alternatives = beginnings(metadata.alternatives)
  const failures: string[] = []
  const failuresOfGroup = new Map(alternatives.map((group) => [group, [] as string[]]))
  const answers = [...tensors].filter(([name]) => name.startsWith('expect.') || name.startsWith('grad.'))
  if (answers.length === 0) return ['the case has no answers to compare with; give --write to have the numbers written']
  for (const [name, want] of answers) {
    const got = computed.get(name)
    if (got === undefined && optional.some((start) => name.startsWith(start))) continue
    const failure = got === undefined ? `${name} was not computed` : compareTensor(name, got, want, tolerance)
    if (failure === undefined) continue
    const group = alternatives.find((start) => name.startsWith(start))
    const place = group === undefined ? failures : failuresOfGroup.get(group)!
    place.push(failure)
  }
  const groups = [...failuresOfGroup.values()]
  if (groups.length > 0 && groups.every((group) => group.length > 0)) failures.push(...groups.flat())
  return failures
}

function beginnings(list: string | undefined): string[] {
  return (list ?? '').split(',').filter((start) => start !== '')
}

/** Every element: |got - want| <= rtol·|want| + atol·max|want| over the finite ones; integers exactly; NaN equals NaN. */
export function compareTensor(name: string, got: Tensor, want: Tensor, tolerance: Tolerance): string | undefined {
  if (got.shape.join() !== want.shape.join()) return `${name} has the shape [${got.shape}]; want [${want.shape}]`
  const { rtol, atol } = want.data instanceof Int32Array ? { rtol: 0, atol: 0 } : tolerance
  let scale = 0
  for (const value of want.data) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value))
  let worst = { share: 1, index: -1 }
  let largest = 0
  want.data.forEach((expected, index) => {
    const found = got.data[index]!
    if (found === expected || (Number.isNaN(found) && Number.isNaN(expected))) return
    const distance = Math.abs(found - expected)
    if (Number.isFinite(distance)) largest = Math.max(largest, distance)
    const allowed = rtol * Math.abs(expected) + atol * scale
    const share = Number.isFinite(distance) && distance <= allowed ? 0 : distance / allowed
    // Infinite or not a number on one side only: nothing can be further off.
    if (!(share <= worst.share)) worst = { share: Number.isNaN(share) ? Number.POSITIVE_INFINITY : share, index }
  })
  if (worst.index === -1) return undefined
  const at = worst.index
  return `${name}[${at}]: got ${got.data[at]}, want ${want.data[at]}; largest difference ${largest.toExponential(3)}`
}
