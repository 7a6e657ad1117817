/** Turns ids into text piece by piece, so that no piece ends within what a reader takes for one character. */
import { segment } from './segment.ts'

/** UTF-16 code units after which an unfinished cluster is let go: a model may write combining marks for ever. */
const LONGEST_CLUSTER = 256

/** Bytes of text (UTF-8) or text itself for some ids. */
export type DecodeIds = (ids: ArrayLike<number>) => Uint8Array | string

/**
 * A streaming decoder. The pieces joined are the decoding of all ids together, without a last character whose bytes are not all there. Each piece ends before a grapheme
 * cluster (an emoji sequence, a letter with its marks) that the next symbol might still prolong; `end` gives the rest.
 */
export class StreamDecoder {
  readonly #decodeIds: DecodeIds
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  #pending = ''

  constructor(decodeIds: DecodeIds) {
    this.#decodeIds = decodeIds
  }

  /** The text that these ids complete, possibly empty. */
  push(ids: ArrayLike<number>): string {
    const decoded = this.#decodeIds(ids)
    this.#pending += typeof decoded === 'string' ? decoded : this.#utf8.decode(decoded, { stream: true })
    const kept = unfinishedLength(this.#pending)
    const piece = this.#pending.slice(0, this.#pending.length - kept)
    this.#pending = this.#pending.slice(piece.length)
    return piece
  }

  /** What was held back, but for the first bytes of a character without its last; afterwards the decoder is as new. */
  end(): string {
    const rest = this.#pending
    // Gives U+FFFD for such bytes and forgets them; bytes that begin no character were decoded before.
    this.#utf8.decode()
    this.#pending = ''
    return rest
  }
}

/** UTF-16 code units at the end of `text` that further text could still change the look of. */
function unfinishedLength(text: string): number {
  let last = ''
  for (const cluster of segment(text, 'grapheme')) last = cluster
  return last.length > LONGEST_CLUSTER ? 0 : last.length
}
