/** Which runs the GPU bench makes, in the order of their worth: if time runs out, the last are missing. */
import type { Setting } from '../setting.ts'
import { WORKLOADS } from '../workloads/list.ts'

export interface PlannedRun {
  readonly id: string
  readonly precision: Setting['precision']
  readonly form: Setting['form']
}

/** Those whose recurrence is worth comparing in both forms. */
const BOTH_FORMS = ['W6', 'W2', 'W7', 'W3', 'W8']

/** In each precision: both forms of the workloads that tell them apart, then the others as the engine's table would have it. */
export function plannedRuns(device: Setting['device']): PlannedRun[] {
  if (device === 'cpu') return [...WORKLOADS.keys()].map((id) => ({ id, precision: 'f32', form: null }))
  const others = [...WORKLOADS.keys()].filter((id) => !BOTH_FORMS.includes(id))
  return (['f32', 'f16'] as const).flatMap((precision) => [
    ...BOTH_FORMS.flatMap((id) => (['resident', 'step'] as const).map((form) => ({ id, precision, form }))),
    ...others.map((id) => ({ id, precision, form: null })),
  ])
}
