/** What a model of text in two directions cannot be asked for: it reads a window from its end, too, where the symbols to be predicted are. */
import type { NormalBatchesOptions } from './batches.ts'
import { refuse } from './check.ts'
import type { Context, Samples } from './sampling.ts'

/** A model's layers, as options or as the engine describes them. */
interface Layered {
  readonly layers: readonly { readonly kind: string; readonly bidirectional?: boolean }[]
}

/** Whether some layer reads the window from its end, too. */
export function isBidirectional({ layers }: Layered): boolean {
  return layers.some((layer) => layer.bidirectional === true)
}

/** @throws ERR_INVALID_OPTION for a prediction at every step: all but the last would see their answer */
export function refuseSeenAnswers(model: Layered, everyStep: boolean): void {
  if (!isBidirectional(model) || !everyStep) return
  refuse(
    'predict',
    'every-step',
    "'last-step' with bidirectional layers, which at any other step see the symbol to be predicted",
  )
}

/** @throws ERR_INVALID_OPTION for windows that go on from one another: what comes from the end of a window has no past */
export function refuseKeptCarry(model: Layered, { resetCarry }: NormalBatchesOptions): void {
  if (!isBidirectional(model) || resetCarry === 'batch') return
  const remedy = "'batch', or the order 'shuffled', 'ordered' or 'sampled', with bidirectional layers"
  refuse(
    'batches.resetCarry',
    resetCarry,
    `${remedy}: what reads a window from its end has no carry from the window before`,
  )
}

/** @throws ERR_INVALID_OPTION for a prediction from all before: there are windows alone */
export function refuseCarry(model: Layered, field: string, context: Context | undefined): void {
  if (!isBidirectional(model) || context !== 'carry') return
  refuse(field, context, "'window' with bidirectional layers, which read the last unrollLength symbols from both ends")
}

/** The same of samples that a training is to write. */
export function refuseCarryInSamples(model: Layered, samples: Samples | undefined): void {
  for (const { context } of samples?.samplings ?? []) refuseCarry(model, 'samples.context', context)
}
