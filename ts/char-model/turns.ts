/** Lets asynchronous work on one model take turns, in the order of asking. */

export class Turns {
  #last: Promise<void> = Promise.resolve()

  /**
   * Runs `task` once all that was asked for before is done.
   * @param signal gives up waiting (the task then never runs), with the signal's reason; a task that runs looks at it itself
   */
  async take<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last
    let finish = () => {}
    const done = new Promise<void>((resolve) => {
      finish = resolve
    })
    this.#last = before.then(() => done)
    try {
      await (signal === undefined ? before : orAborted(before, signal))
      return await task()
    } finally {
      finish()
    }
  }
}

/** `promise`, or a rejection with the signal's reason as soon as it is raised. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let raise = () => {}
  const raised = new Promise<never>((_, reject) => {
    raise = () => reject(signal.reason)
  })
  signal.addEventListener('abort', raise, { once: true })
  try {
    return await Promise.race([promise, raised])
  } finally {
    signal.removeEventListener('abort', raise)
  }
}
