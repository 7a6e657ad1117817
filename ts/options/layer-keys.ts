/** Which kinds of layers have which options: an option of another kind is told by that kind. */
import { RnnKitError } from '../errors.ts'
import { fieldIn } from './check.ts'

const RECURRENT = ['lstm', 'gru', 'rnn'] as const

/** The kinds that each option belongs to. */
const OWNERS = {
  size: [...RECURRENT, 'dense'],
  bidirectional: RECURRENT,
  dropout: RECURRENT,
  activation: ['rnn', 'dense'],
  form: ['rnn'],
  forgetBias: ['lstm'],
  momentum: ['batchNorm'],
  epsilon: ['batchNorm'],
  frozen: ['batchNorm'],
  share: ['dropout'],
  mask: ['dropout'],
} as const

/** Every option that some kind of layer has. */
export const LAYER_KEYS = ['kind', ...(Object.keys(OWNERS) as (keyof typeof OWNERS)[])] as const

/** @throws ERR_UNKNOWN_OPTION for an option of another kind */
export function refuseForeign(field: string, kind: string, given: { readonly [option: string]: unknown }): void {
  for (const [option, kinds] of Object.entries(OWNERS)) {
    if (given[option] === undefined || kinds.some((owner) => owner === kind)) continue
    const path = fieldIn(field, option)
    const owners = kinds.map((owner) => `'${owner}'`).join(' and ')
    const message = `${path} is not an option of kind '${kind}': it belongs to ${owners}`
    throw new RnnKitError({ code: 'ERR_UNKNOWN_OPTION', message, field: path, value: option })
  }
}
