/** Every kind of dropout of a recurrent layer. Whatever is kept is divided by the share kept; evaluation and sampling drop nothing. */
import { boolean, fieldIn, oneOf, real, record, refuse } from './check.ts'

/**
 * What has a draw of its own. 'step': every time step, lane and feature (PyTorch, and TensorFlow 1's DropoutWrapper). 'sequence': every
 * lane and feature, the same at all time steps of a window (variational, Gal and Ghahramani; Keras). 'batch': every feature, the same at
 * all time steps and in all lanes (DropoutWrapper with `variational_recurrent`).
 */
export type DropoutMask = (typeof MASKS)[number]
const MASKS = ['step', 'sequence', 'batch'] as const

/** A share in [0, 1), or with what has a draw of its own. */
export type DroppedOptions =
  | number
  | {
      share: number
      /** @default as of the share alone */
      mask?: DropoutMask
    }

export interface RecurrentDropoutOptions {
  /**
   * Share dropped of the layer's input. Alone it has mask 'sequence', as Keras's `dropout`, with draws of its own for each direction;
   * with mask 'step' it is the `input_keep_prob` of TensorFlow 1's DropoutWrapper. @default 0
   */
  input?: DroppedOptions
  /**
   * Share dropped of h where it enters the recurrent weights, [0, 1), with one mask for all time steps of a window: Keras's
   * `recurrent_dropout`. The cell itself sees all of h, and an LSTM's c stays whole. @default 0
   */
  recurrent?: number
  /**
   * A mask for each gate instead of one for all, of `recurrent` and of an `input` with mask 'sequence', as Keras has it where
   * `recurrent_dropout` is above 0. @default false
   */
  perGate?: boolean
  /**
   * Share dropped of the layer's output, the last layer's too. Alone it has mask 'step': the `output_keep_prob` of TensorFlow 1's
   * DropoutWrapper. @default 0
   */
  output?: DroppedOptions
  /** Share dropped at every time step between recurrent layers, [0, 1): after each but the last, as PyTorch's `dropout`. @default 0 */
  between?: number
}

/** Dropout of one place. */
export interface Dropped {
  /** [0, 1). */
  readonly share: number
  readonly mask: DropoutMask
}

/** Dropout of one recurrent layer, complete. */
export interface LayerDropout {
  readonly input: Dropped
  readonly recurrent: number
  readonly perGate: boolean
  readonly output: Dropped
  /** After this layer. */
  readonly between: number
}

/** What was given; the rest is `undefined`. */
export type GivenDropout = { readonly [K in keyof LayerDropout]: LayerDropout[K] | undefined }

export const DROPOUT_KEYS = ['input', 'recurrent', 'perGate', 'output', 'between'] as const

/** @param given of an object at `field` those among DROPOUT_KEYS */
export function givenDropout(field: string, given: { readonly [K in keyof LayerDropout]?: unknown }): GivenDropout {
  const at = (key: string) => fieldIn(field, key)
  const share = (key: 'recurrent' | 'between') =>
    given[key] === undefined ? undefined : dropoutShare(at(key), given[key])
  return {
    input: given.input === undefined ? undefined : dropped(at('input'), given.input, 'sequence'),
    recurrent: share('recurrent'),
    perGate: given.perGate === undefined ? undefined : boolean(at('perGate'), given.perGate),
    output: given.output === undefined ? undefined : dropped(at('output'), given.output, 'step'),
    between: share('between'),
  }
}

/** A layer's own dropout, completed by the model's. @param last whether no recurrent layer follows */
export function completeDropout(own: GivenDropout, model: GivenDropout, last: boolean): LayerDropout {
  return {
    input: own.input ?? model.input ?? { share: 0, mask: 'sequence' },
    recurrent: own.recurrent ?? model.recurrent ?? 0,
    perGate: own.perGate ?? model.perGate ?? false,
    output: own.output ?? model.output ?? { share: 0, mask: 'step' },
    between: own.between ?? (last ? 0 : (model.between ?? 0)),
  }
}

/** Whether some mask stands for all time steps, so that there may be one for each gate. */
export function hasSteadyMask({ input, recurrent }: LayerDropout): boolean {
  return recurrent > 0 || (input.share > 0 && input.mask === 'sequence')
}

/** A mask for each gate where no mask stands for all time steps. */
export function refusePerGate(field: string): never {
  return refuse(
    fieldIn(field, 'perGate'),
    true,
    "false, unless 'recurrent', or 'input' with mask 'sequence', is above 0 beside it",
  )
}

/** @param usual the mask of a share alone */
export function dropped(field: string, value: unknown, usual: DropoutMask): Dropped {
  if (typeof value !== 'object' || value === null) return { share: dropoutShare(field, value), mask: usual }
  const { share, mask = usual } = record(field, value, ['share', 'mask'])
  return { share: dropoutShare(fieldIn(field, 'share'), share), mask: oneOf(fieldIn(field, 'mask'), mask, MASKS) }
}

export function dropoutShare(field: string, value: unknown): number {
  return real(field, value, { min: 0, exclusiveMax: 1 })
}
