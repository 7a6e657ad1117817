/** The last shares of the data that are kept from training: `validation` and `test`. */

import { RnnKitError } from '../errors.ts'
import { type Cadence, type CadenceOptions, cadenceOptions } from './cadence.ts'
import { fieldIn, real, record, refuse } from './check.ts'

/** A share of the data in [0, 1), with when it is scored besides the end of the training. */
export type ShareOptions =
  | number
  | {
      share: number
      /** @default { epochs: 1 } for `validation`, at the end alone for `test` */
      every?: CadenceOptions
    }

export interface Share {
  /** [0, 1); 0 = none. */
  readonly share: number
  /** `undefined`: at the end alone. */
  readonly every: Cadence | undefined
}

/** @param otherwise what stands where nothing, or no `every`, is given */
export function shareOptions(field: string, value: unknown, otherwise: Share): Share {
  if (value === undefined) return otherwise
  if (typeof value === 'object' && value !== null) {
    const given = record(field, value, ['share', 'every'])
    return {
      share: checkShare(fieldIn(field, 'share'), given.share),
      every: given.every === undefined ? otherwise.every : cadenceOptions(fieldIn(field, 'every'), given.every),
    }
  }
  if (typeof value !== 'number') return refuse(field, value, 'a share of the data in [0, 1), or { share, every }')
  return { share: checkShare(field, value), every: otherwise.every }
}

/** A share that is scored once: a number, or `{ share }`. */
export function plainShare(field: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value === 'number') return checkShare(field, value)
  return checkShare(fieldIn(field, 'share'), record(field, value, ['share'], 'a share of the data in [0, 1)').share)
}

function checkShare(field: string, value: unknown): number {
  return real(field, value, { min: 0, exclusiveMax: 1 })
}

/** Refuses shares that leave nothing to train on. */
export function checkShares(validation: Pick<Share, 'share'>, test: Pick<Share, 'share'>): void {
  const kept = validation.share + test.share
  if (kept < 1) return
  throw new RnnKitError({
    code: 'ERR_INVALID_OPTION',
    message: `validation is ${validation.share} and test is ${test.share}: together they must be less than 1, for the rest is trained on`,
    field: 'validation',
    value: validation.share,
  })
}
