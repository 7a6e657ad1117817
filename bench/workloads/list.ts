/** The work list: what each workload trains, and how much of its arithmetic counts as useful. */
import list from '../workloads.json' with { type: 'json' }

/** One entry of workloads.json: a model of characters, or with `in` one of numbers. */
export interface Workload {
  cell: 'rnn_tanh' | 'rnn_relu' | 'lstm' | 'gru'
  layers: number
  hidden: number
  /** Number of distinct symbols; 0 where the input is numbers. */
  vocab: number
  /** Size of an embedding; without it symbols are one-hot. */
  embed?: number
  /** Numbers that are read at a time step, and predicted. */
  in?: number
  /** Time steps in a window. */
  T: number
  /** Lanes. */
  B: number
  head: 'all' | 'last'
  /** Of the numbers; symbols have cross-entropy. */
  loss?: 'mse'
  dropout?: number
  opt: 'sgd' | 'adam' | 'adagrad'
  lr: number
}

const GATES = { rnn_tanh: 1, rnn_relu: 1, lstm: 4, gru: 3 } as const

/** The workloads by id. */
export const WORKLOADS: ReadonlyMap<string, Workload> = new Map(Object.entries(list as Record<string, Workload>))

/** Those whose models are sampled from, one character at a time. */
export const SAMPLED: readonly string[] = ['W2', 'W3']

/**
 * Floating-point operations of one training step that nobody can avoid: 6 × (weights that take part in a multiply-add) ×
 * (symbols they see). A one-hot input is the gathering of a row, so that layer 0's input weights do not count.
 */
export function usefulFlops({ cell, layers, hidden, vocab, embed, in: numbers, T, B, head }: Workload): number {
  const recurrent = GATES[cell] * hidden * (hidden * layers + hidden * (layers - 1) + (embed ?? numbers ?? 0))
  const outputs = numbers ?? vocab
  return 6 * (recurrent * T * B + hidden * outputs * B * (head === 'all' ? T : 1))
}

/** The same workload small enough for a software GPU to try it: a sixteenth of the units, an eighth of the lanes and time steps. */
export function shrunken(workload: Workload): Workload {
  const share = (value: number, by: number) => Math.max(4, Math.round(value / by))
  const { hidden, T, B } = workload
  return { ...workload, hidden: share(hidden, 16), T: share(T, 8), B: share(B, 8) }
}
