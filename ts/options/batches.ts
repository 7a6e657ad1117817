/** The option `batches`: in which order the windows of the text are trained on. */
import { BATCH_ORDERS, type BatchOrder } from '../batches/types.ts'
import { fieldIn, oneOf, optional, record, refuse } from './check.ts'

/** An order alone, or with where each epoch begins. */
export type BatchesOptions =
  | BatchOrder
  | {
      /** @default 'consecutive' */
      order?: BatchOrder
      /** Symbols left out at the beginning of the text: none, or 0 … unrollLength - 1 drawn for each epoch. @default 0 */
      offset?: 0 | 'random'
    }

export interface NormalBatchesOptions {
  order: BatchOrder
  offset: 0 | 'random'
}

/** Checks and completes the option, which may be left out as a whole. */
export function batchesOptions(field: string, value: unknown): NormalBatchesOptions {
  if (value === undefined) return { order: 'consecutive', offset: 0 }
  if (typeof value === 'string') return { order: oneOf(field, value, BATCH_ORDERS), offset: 0 }
  const given = record(field, value, ['order', 'offset'])
  const order = optional(given.order, (v) => oneOf(fieldIn(field, 'order'), v, BATCH_ORDERS)) ?? 'consecutive'
  const offset = optional(given.offset, (v) => offsetOption(fieldIn(field, 'offset'), v))
  return { order, offset: offset ?? 0 }
}

function offsetOption(field: string, value: unknown): 0 | 'random' {
  return value === 0 || value === 'random' ? value : refuse(field, value, "0 or 'random'")
}
