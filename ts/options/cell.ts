/** The cell of recurrent layers, by its name or with what may be chosen of it. */
import { fieldIn, oneOf, real, record } from './check.ts'
import { refuseForeign } from './layer-keys.ts'
import { orDefault } from './or-default.ts'

/** The recurrent cell by its name alone, or with what may be chosen of it. */
export type CellOptions = RecurrentKind | CellChoices

export type CellChoices =
  | {
      kind: 'lstm'
      /** The value that the forget gate's bias starts from, in both directions. @default as `init` draws it */
      forgetBias?: number
    }
  | { kind: 'gru' }
  | {
      kind: 'rnn'
      /** @default 'tanh' */
      activation?: 'tanh' | 'relu'
      /**
       * 'summed', Elman's: act(W_ih x + b_ih + W_hh h + b_hh). 'separate': act(W_ih x + b_ih) + act(W_hh h + b_hh), two dense layers, each
       * activated, and then summed. @default 'summed'
       */
      form?: 'summed' | 'separate'
    }

export type RecurrentKind = (typeof RECURRENT_KINDS)[number]
export const RECURRENT_KINDS = ['lstm', 'gru', 'rnn'] as const

/** The engine's names. */
export type CellName = 'lstm' | 'gru' | 'elmanTanh' | 'elmanRelu' | 'elmanTanhSeparate' | 'elmanReluSeparate'

export interface Cell {
  readonly cell: CellName
  /** `undefined`: left to `init`. */
  readonly forgetBias: number | undefined
}

const CELL_KEYS = { lstm: ['forgetBias'], gru: [], rnn: ['activation', 'form'] } as const

export function cellOptions(field: string, value: unknown): Cell {
  if (typeof value === 'string') return cellOf(field, oneOf(field, value, RECURRENT_KINDS), {})
  const all = record(field, value, ['kind', 'activation', 'form', 'forgetBias'])
  const kind = oneOf(fieldIn(field, 'kind'), all.kind, RECURRENT_KINDS)
  refuseForeign(field, kind, all)
  return cellOf(field, kind, record(field, all, ['kind', ...CELL_KEYS[kind]]))
}

/** @param given among others the options of that kind's cell */
export function cellOf(
  field: string,
  kind: RecurrentKind,
  given: { activation?: unknown; form?: unknown; forgetBias?: unknown },
): Cell {
  switch (kind) {
    case 'rnn': {
      const activation = oneOf(fieldIn(field, 'activation'), orDefault(given.activation, 'tanh'), ['tanh', 'relu'])
      const form = oneOf(fieldIn(field, 'form'), orDefault(given.form, 'summed'), ['summed', 'separate'])
      const elman = activation === 'tanh' ? 'elmanTanh' : 'elmanRelu'
      return { cell: form === 'separate' ? `${elman}Separate` : elman, forgetBias: undefined }
    }
    case 'gru':
      return { cell: 'gru', forgetBias: undefined }
    case 'lstm':
      return {
        cell: 'lstm',
        forgetBias: given.forgetBias === undefined ? undefined : real(fieldIn(field, 'forgetBias'), given.forgetBias),
      }
  }
}
