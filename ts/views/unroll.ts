/** A model unrolled over a sequence: the states and gates of every recurrent layer at every time step, and what it predicts. */
import type { SequenceValues, Session, ViewedLayer } from '../native/engine-session.ts'
import type { CellName } from '../options/cell.ts'
import { columnsOf, type Matrix, matrix } from './matrix.ts'

/** Which recurrent layer, and which way it reads. */
export interface LayerPlace {
  /** Number among the recurrent layers, from 0. */
  layer: number
  /** Of a bidirectional layer both are shown, the forward one first. */
  direction: 'forward' | 'reverse'
}

/** A recurrent layer on T positions. Row t is of position t, also where the layer read from the end. */
export interface UnrolledLayer extends LayerPlace {
  cell: CellName
  /** h, [T, H]. */
  hidden: Matrix
  /** c, [T, H], of an LSTM alone. */
  cellState?: Matrix
  /**
   * Activated gates, [T, H] each: of an LSTM i, f, g and o, of a GRU r, z and n; h of an Elman cell, which in the separate form has x
   * instead, the activated half that comes from the input.
   */
  gates: Record<string, Matrix>
}

export interface Unrolled {
  layers: UnrolledLayer[]
  /** Logits or predicted numbers: [T, outputs], or [1, outputs] where the head predicts at the last step. */
  outputs: Matrix
}

/** From zero carry and without dropout, as the model samples. @param outputs of the head */
export async function unrollSequence(
  session: Session,
  inputs: SequenceValues,
  outputs: number,
  signal?: AbortSignal,
): Promise<Unrolled> {
  const { layers, logits } = await session.view({ inputs, targets: 'none' }, false, signal)
  return { layers: layers.map(unrolledLayer), outputs: matrix(logits, outputs) }
}

function unrolledLayer(viewed: ViewedLayer): UnrolledLayer {
  const { cell, size, gateNames, hidden, cellState } = viewed
  const all = matrix(viewed.gates, gateNames.length * size)
  const gates = gateNames.map((name, i) => [name, columnsOf(all, i * size, size)] as const)
  return {
    ...placeOf(viewed),
    cell,
    hidden: matrix(hidden, size),
    ...(cellState.length > 0 ? { cellState: matrix(cellState, size) } : {}),
    gates: Object.fromEntries(gates),
  }
}

export function placeOf({ layer, reverse }: ViewedLayer): LayerPlace {
  return { layer, direction: reverse ? 'reverse' : 'forward' }
}
