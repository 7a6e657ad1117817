/** Finds the first stop text in text that comes in pieces, and holds back what may be the beginning of one. */

export class StopText {
  readonly #stops: readonly string[]
  readonly #longest: number
  #held = ''
  #stopped = false

  /** @param stops texts of at least one character; none = everything passes at once */
  constructor(stops: readonly string[]) {
    this.#stops = stops
    this.#longest = Math.max(0, ...stops.map((stop) => stop.length))
  }

  /** Whether a stop text has come: nothing passes any more. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** What of the text so far is certainly before any stop text. */
  push(piece: string): string {
    if (this.#stopped) return ''
    const text = this.#held + piece
    const stop = this.#firstIn(text)
    this.#stopped = stop !== -1
    const passed = this.#stopped ? stop : text.length - this.#beginningAtEnd(text)
    this.#held = this.#stopped ? '' : text.slice(passed)
    return text.slice(0, passed)
  }

  /** What was held back, once there is no more text. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  /** Where the stop text begins that is complete first (of those, the longest), or -1: so the pieces' cuts do not matter. */
  #firstIn(text: string): number {
    let [begin, end] = [-1, Number.POSITIVE_INFINITY]
    for (const stop of this.#stops) {
      const at = text.indexOf(stop)
      if (at === -1) continue
      const stopEnd = at + stop.length
      if (stopEnd < end || (stopEnd === end && at < begin)) [begin, end] = [at, stopEnd]
    }
    return begin
  }

  /** Length of the longest end of `text` that begins a stop text. */
  #beginningAtEnd(text: string): number {
    for (let length = Math.min(text.length, this.#longest - 1); length > 0; length--) {
      const end = text.slice(text.length - length)
      if (this.#stops.some((stop) => stop.length > length && stop.startsWith(end))) return length
    }
    return 0
  }
}
