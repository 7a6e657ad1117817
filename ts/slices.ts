/** Long work in slices: done at once, or with the event loop and an abort let in every few milliseconds. */
import { setImmediate } from 'node:timers/promises'

/** Work that yields wherever it may pause, at least every few milliseconds, and returns its result. */
export type Sliced<T> = Generator<void, T, void>

/** Milliseconds of work before others have their turn. */
const SLICE_MS = 10
/** Code units, bytes or numbers that simple work takes well under a millisecond for. */
export const SLICE = 2 ** 16

export function atOnce<T>(work: Sliced<T>): T {
  let step = work.next()
  while (!step.done) step = work.next()
  return step.value
}

/** @throws the signal's reason once it is raised */
export async function inSlices<T>(work: Sliced<T>, signal?: AbortSignal): Promise<T> {
  let begun = performance.now()
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    if (performance.now() - begun < SLICE_MS) continue
    await setImmediate()
    if (signal?.aborted) throw signal.reason
    begun = performance.now()
  }
}
