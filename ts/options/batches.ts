/** The option `batches`: in which order the windows of the text are trained on, and where the carry starts from zero. */
import { BATCH_ORDERS, type BatchOrder, RESETS, type ResetCarry } from '../batches/types.ts'
import { fieldIn, oneOf, optional, record, refuse } from './check.ts'

/** An order alone, or with where each epoch begins and what becomes of the carry. */
export type BatchesOptions =
  | BatchOrder
  | {
      /** @default 'consecutive' */
      order?: BatchOrder
      /** Symbols left out at the beginning of the text: none, or 0 … unrollLength - 1 drawn for each epoch. @default 0 */
      offset?: 0 | 'random'
      /**
       * When lanes start from zero carry. 'epoch': where an epoch begins, and the carry is kept from window to window within it. 'never'
       * again after the first window: an epoch begins with the carry that the one before it ended with (Keras's stateful layers, never
       * reset). 'batch': at every window. In any order but 'consecutive' no window goes on where the one before it ended: there it is
       * 'batch'. Evaluation and sampling start from zero carry in any case; whether they keep it says `context`.
       * @default 'epoch' in consecutive order, else 'batch'
       */
      resetCarry?: ResetCarry
    }

export interface NormalBatchesOptions {
  order: BatchOrder
  offset: 0 | 'random'
  resetCarry: ResetCarry
}

/** Checks and completes the option, which may be left out as a whole. @param usual the order that is then taken */
export function batchesOptions(field: string, value: unknown, usual: BatchOrder = 'consecutive'): NormalBatchesOptions {
  const given = value === undefined ? {} : typeof value === 'string' ? { order: value } : value
  const { order: named, offset, resetCarry } = record(field, given, ['order', 'offset', 'resetCarry'])
  const at = typeof value === 'string' ? field : fieldIn(field, 'order')
  const order = optional(named, (v) => oneOf(at, v, BATCH_ORDERS)) ?? usual
  return {
    order,
    offset: optional(offset, (v) => offsetOption(fieldIn(field, 'offset'), v)) ?? 0,
    resetCarry: resetOption(fieldIn(field, 'resetCarry'), resetCarry, order),
  }
}

function offsetOption(field: string, value: unknown): 0 | 'random' {
  return value === 0 || value === 'random' ? value : refuse(field, value, "0 or 'random'")
}

function resetOption(field: string, value: unknown, order: BatchOrder): ResetCarry {
  const reset = optional(value, (v) => oneOf(field, v, RESETS))
  if (order === 'consecutive') return reset ?? 'epoch'
  if (reset === undefined || reset === 'batch') return 'batch'
  return refuse(
    field,
    reset,
    `'batch' in ${order} order, where no window goes on from the one before: or take order 'consecutive'`,
  )
}
