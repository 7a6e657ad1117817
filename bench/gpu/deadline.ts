/** Shares out the minutes that the whole bench may take. */

export class Deadline {
  readonly #end: number
  readonly #now: () => number

  /** @param now milliseconds */
  constructor(minutes: number, now: () => number = () => performance.now()) {
    this.#now = now
    this.#end = now() + 60_000 * minutes
  }

  /** Seconds for something that may take `most`, when `reserved` seconds are to be left for what comes after; 0 = no time is left. */
  seconds(most: number, reserved: number): number {
    return Math.max(0, Math.min(most, (this.#end - this.#now()) / 1000 - reserved))
  }
}
