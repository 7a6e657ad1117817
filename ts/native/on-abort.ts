/** Hears an AbortSignal for any number of calls with one listener, so that Node does not take many calls for a leak. */

const callbacksOf = new WeakMap<AbortSignal, { readonly callbacks: Set<() => void>; readonly listener: () => void }>()

/**
 * Calls `callback` when the signal is raised (never when it was raised before).
 * @returns ends the hearing; safe to call again
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const heard = callbacksOf.get(signal) ?? hear(signal)
  // A call of its own, so that one callback may be given twice.
  const once = () => callback()
  heard.callbacks.add(once)
  return () => {
    heard.callbacks.delete(once)
    if (heard.callbacks.size > 0 || callbacksOf.get(signal) !== heard) return
    callbacksOf.delete(signal)
    signal.removeEventListener('abort', heard.listener)
  }
}

function hear(signal: AbortSignal) {
  const callbacks = new Set<() => void>()
  const listener = () => {
    callbacksOf.delete(signal)
    for (const callback of [...callbacks]) callback()
  }
  const heard = { callbacks, listener }
  callbacksOf.set(signal, heard)
  signal.addEventListener('abort', listener, { once: true })
  return heard
}
