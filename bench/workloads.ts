/** The work list: what each workload trains, and how much of its arithmetic counts as useful. */
import list from './workloads.json' with { type: 'json' }

/** One entry of workloads.json: character models only. */
export interface Workload {
  cell: 'rnn_tanh' | 'rnn_relu' | 'lstm' | 'gru'
  layers: number
  hidden: number
  /** Number of distinct symbols. */
  vocab: number
  /** Size of an embedding; without it the input is one-hot. */
  embed?: number
  /** Time steps in a window. */
  T: number
  /** Lanes. */
  B: number
  head: 'all' | 'last'
  dropout?: number
  opt: 'sgd' | 'adam'
  lr: number
}

const GATES = { rnn_tanh: 1, rnn_relu: 1, lstm: 4, gru: 3 } as const

/** The workloads by id, those with real-valued input left out. */
export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(
  Object.entries(list as Record<string, Workload & { in?: number }>).filter(
    ([, workload]) => workload.in === undefined,
  ),
)

/** Ids of the list that cannot be run yet. */
export const UNSUPPORTED: readonly string[] = Object.keys(list).filter((id) => !WORKLOADS.has(id))

/**
 * Floating-point operations of one training step that nobody can avoid: 6 × (weights that take part in a multiply-add) ×
 * (symbols they see). A one-hot input is the gathering of a row, so that layer 0's input weights do not count.
 */
export function usefulFlops({ cell, layers, hidden, vocab, embed = 0, T, B, head }: Workload): number {
  const gates = GATES[cell]
  const recurrent = gates * hidden * (hidden * layers + hidden * (layers - 1) + embed)
  return 6 * (recurrent * T * B + hidden * vocab * B * (head === 'all' ? T : 1))
}

/** The same workload small enough for a software GPU to try it: a sixteenth of the units, an eighth of the lanes and time steps. */
export function shrunken(workload: Workload): Workload {
  const share = (value: number, by: number) => Math.max(4, Math.round(value / by))
  const { hidden, T, B } = workload
  return { ...workload, hidden: share(hidden, 16), T: share(T, 8), B: share(B, 8) }
}
