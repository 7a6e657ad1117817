/** Lets asynchronous work on one model take turns, in the order of asking: what changes the model alone, what reads it together. */
import { onAbort } from './on-abort.ts'

interface Waiting {
  readonly shared: boolean
  readonly begin: () => void
}

export class Turns {
  readonly #waiting: Waiting[] = []
  /** Tasks that run now: any number of readers, or one that changes the model. */
  #running = 0
  #alone = false

  /**
   * Runs `task`, which may change the model, once all that was asked for before is done; nothing else runs meanwhile.
   * @param signal gives up waiting (the task then never runs), with the signal's reason; a task that runs looks at it itself
   */
  async take<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.#turn(false, task, signal)
  }

  /**
   * Runs `task`, which only reads the model, once all that was asked for before and changes the model is done. Others that
   * read may run meanwhile; what changes the model waits, so that `task` sees one model from beginning to end.
   * @param signal as for `take`
   */
  async share<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.#turn(true, task, signal)
  }

  async #turn<T>(shared: boolean, task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) throw signal.reason
    await this.#begun(shared, signal)
    try {
      return await task()
    } finally {
      this.#running--
      this.#alone = false
      this.#beginNext()
    }
  }

  #begun(shared: boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let stopHearing = () => {}
      const waiting: Waiting = {
        shared,
        begin: () => {
          stopHearing()
          resolve()
        },
      }
      if (signal !== undefined) {
        stopHearing = onAbort(signal, () => {
          const at = this.#waiting.indexOf(waiting)
          if (at < 0) return // its turn came while others heard the signal
          this.#waiting.splice(at, 1)
          reject(signal.reason)
          this.#beginNext()
        })
      }
      this.#waiting.push(waiting)
      this.#beginNext()
    })
  }

  /** Begins those at the head of the queue that may run now. Who asked first comes first, so nobody waits for ever. */
  #beginNext(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#alone || (!first.shared && this.#running > 0)) return
      this.#waiting.shift()
      this.#running++
      this.#alone = !first.shared
      first.begin()
    }
  }
}
