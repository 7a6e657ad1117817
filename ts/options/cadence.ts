/** How often something happens in a training: every so many epochs or steps. */
import { fieldIn, integer, record, refuse } from './check.ts'

export type CadenceOptions = { epochs: number; steps?: never } | { steps: number; epochs?: never }

export interface Cadence {
  readonly unit: 'epochs' | 'steps'
  readonly every: number
}

export function cadenceOptions(field: string, value: unknown): Cadence {
  const shape = 'either { epochs } or { steps }'
  const { epochs, steps } = record(field, value, ['epochs', 'steps'], shape)
  if ((epochs === undefined) === (steps === undefined)) return refuse(field, value, shape)
  return epochs === undefined
    ? { unit: 'steps', every: integer(fieldIn(field, 'steps'), steps, { min: 1 }) }
    : { unit: 'epochs', every: integer(fieldIn(field, 'epochs'), epochs, { min: 1 }) }
}
