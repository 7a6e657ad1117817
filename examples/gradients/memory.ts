/** The task: which symbol came first is asked at the last step, so that something of it must be carried through all steps between. */
import type { SequenceDataOptions } from 'rnnkit'
import { randomNumbers } from '../lib/random.ts'

/** Time steps of a row. */
export const STEPS = 50
/** Symbols 0 to 3 come first, one of them in each row. */
export const ASKED = 4
/** 4 to 9 come after it, and say nothing. */
export const SYMBOLS = 10

export function memoryRows(rows: number, seed: number): SequenceDataOptions {
  const { below } = randomNumbers(seed)
  const firsts = Int32Array.from({ length: rows }, () => below(ASKED))
  const inputs = Int32Array.from({ length: rows * STEPS }, (_, place) =>
    place % STEPS === 0 ? firsts[place / STEPS]! : ASKED + below(SYMBOLS - ASKED),
  )
  return { inputs, targets: firsts, shape: [rows, STEPS] }
}

/** Each row as data of its own. */
export function rowsOf({ inputs, targets, shape: [rows] }: SequenceDataOptions): SequenceDataOptions[] {
  return Array.from({ length: rows! }, (_, row) => ({
    inputs: inputs.slice(row * STEPS, (row + 1) * STEPS),
    targets: targets.slice(row, row + 1),
    shape: [1, STEPS],
  }))
}
