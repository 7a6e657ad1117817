/** The tutorial's last data: the same rows of cs characters, but a prediction after each of them, and a zero input to begin from. */
import { NO_SYMBOL, type SequenceDataOptions } from 'rnnkit'

export interface Rows {
  data: SequenceDataOptions
  heldOut: SequenceDataOptions
  /** Distinct characters: ids are their places in order. */
  vocabulary: number
}

/** Rows at stride `cs`, the last tenth of the text held out. Each reads a zero vector and cs characters. */
export function rowsOf(text: string, cs: number): Rows {
  const characters = [...text]
  const vocabulary = [...new Set(characters)].sort()
  const ids = characters.map((character) => vocabulary.indexOf(character))
  const split = Math.floor(0.9 * ids.length)
  return {
    data: rows(ids.slice(0, split), cs),
    heldOut: rows(ids.slice(split), cs),
    vocabulary: vocabulary.length,
  }
}

/** After the zero vector nothing is predicted: the mask leaves it out. */
function rows(ids: readonly number[], cs: number): SequenceDataOptions {
  const starts = Array.from({ length: Math.floor((ids.length - 1) / cs) }, (_, row) => row * cs)
  return {
    inputs: Int32Array.from(starts.flatMap((start) => [NO_SYMBOL, ...ids.slice(start, start + cs)])),
    targets: Int32Array.from(starts.flatMap((start) => ids.slice(start, start + cs + 1))),
    mask: Uint8Array.from(starts.flatMap(() => [0, ...Array(cs).fill(1)])),
    shape: [starts.length, cs + 1],
  }
}

/** The same rows with nothing but the prediction after `read` characters to be scored. */
export function afterReading(data: SequenceDataOptions, read: number): SequenceDataOptions {
  const [rows, time] = data.shape as [number, number]
  return { ...data, mask: Uint8Array.from({ length: rows * time }, (_, place) => (place % time === read ? 1 : 0)) }
}
