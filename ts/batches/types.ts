/** What the batch orders share: the size of a training, and the windows that a plan consists of. */

/** How the windows of an epoch are laid over the text. */
export type BatchOrder = 'consecutive' | 'shuffled' | 'ordered' | 'sampled'
export const BATCH_ORDERS = ['consecutive', 'shuffled', 'ordered', 'sampled'] as const satisfies readonly BatchOrder[]

/** When a lane that goes on in the text starts from zero carry all the same. */
export type ResetCarry = 'never' | 'epoch' | 'batch'
export const RESETS = ['never', 'epoch', 'batch'] as const satisfies readonly ResetCarry[]

/** The place where an epoch's windows begin, as they lie over the text. */
export interface EpochShape {
  /** Symbols in the training text (n). */
  symbols: number
  /** Lanes in a window (N), the batch size. */
  lanes: number
  /** Symbols that each lane predicts in a window (T), the unroll length. */
  unroll: number
  /** Symbols left out at the beginning of the text. */
  offset: number
}

/** K windows in a row. A lane that starts at p reads symbols p … p+T-1 and predicts p+1 … p+T. */
export interface WindowPlan {
  /** [K, N] where each lane of each window starts in the text. */
  starts: Uint32Array
  /** [K, N] 1 where the lane starts from zero carry, 0 where it goes on with what the window before left. */
  resets: Uint8Array
  /** [K, N] time steps of each lane's sequence, 0 for a lane without one; left out: T of all. */
  lengths?: Uint32Array
}

/** Where lane `lane` (of N) of window `index` of an epoch starts. */
export type StartOf = (index: number, lane: number) => number

/** Windows in an epoch of any order: floor((n - 1 - offset) / (N · T)); what remains of the text is not trained on. */
export function windowsPerEpoch({ symbols, lanes, unroll, offset }: EpochShape): number {
  return Math.max(0, Math.floor((symbols - 1 - offset) / (lanes * unroll)))
}
