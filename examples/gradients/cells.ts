/** The recurrences whose gradients are looked at, and models of them without any training. */
import { createSequenceModel, type SequenceDataOptions, type SequenceModel } from 'rnnkit'
import { ASKED, rowsOf, STEPS, SYMBOLS } from './memory.ts'

export const SMALL = 'tanh, weights x 0.5'
export const LARGE = 'tanh, weights x 1.5'
export const IDENTITY = 'ReLU, identity'
export const OPEN = 'LSTM, forget bias 3'

/** The recurrent weights of tanh are an orthogonal matrix, which keeps lengths, times a factor. */
const CELLS = {
  [SMALL]: { cell: 'rnn', init: 'orthogonal', factor: 0.5 },
  [LARGE]: { cell: 'rnn', init: 'orthogonal', factor: 1.5 },
  [IDENTITY]: { cell: { kind: 'rnn', activation: 'relu' }, init: 'identity', factor: 1 },
  GRU: { cell: 'gru', init: 'pytorch', factor: 1 },
  LSTM: { cell: 'lstm', init: 'pytorch', factor: 1 },
  [OPEN]: { cell: { kind: 'lstm', forgetBias: 3 }, init: 'pytorch', factor: 1 },
} as const

export type CellName = keyof typeof CELLS
export const NAMES = Object.keys(CELLS) as CellName[]

export async function untrained(name: CellName, hiddenSize: number, seed: number): Promise<SequenceModel> {
  const { cell, init, factor } = CELLS[name]
  const widths = { layers: 1, hiddenSize, vocabulary: SYMBOLS, outputs: ASKED } as const
  const model = await createSequenceModel({ cell, init, ...widths, predict: 'last-step', loss: 'crossEntropy', seed })
  const { data } = model.parameters().weight_hh_l0!
  await model.setParameter(
    'weight_hh_l0',
    data.map((weight) => factor * weight),
  )
  return model
}

export interface Reach {
  /** Norm of dL/dh by steps back from the last. */
  norms: [back: number, norm: number][]
  /** Norm over the gradients of all weights together, and the same after the clipping that models begin with, at 5. */
  globalNorm: number
  clippedNorm: number
}

/** Means over the rows. */
export async function reach(model: SequenceModel, data: SequenceDataOptions): Promise<Reach> {
  const seen = await Promise.all(rowsOf(data).map((row) => model.gradientNorms({ data: row })))
  const mean = (value: (one: (typeof seen)[0]) => number) =>
    seen.reduce((sum, one) => sum + value(one), 0) / seen.length
  return {
    norms: Array.from({ length: STEPS }, (_, back) => [back, mean(({ layers }) => layers[0]!.norms.at(-1 - back)!)]),
    globalNorm: mean(({ globalNorm }) => globalNorm),
    clippedNorm: mean(({ clippedNorm }) => clippedNorm),
  }
}
