/** Counts the calls of the addon, which the public API does not show. */
import { createRequire } from 'node:module'

/** Starts counting the calls of every session's methods; the function it gives back says how many there were. */
export function countingNativeCalls(): () => number {
  const { NativeSession } = createRequire(import.meta.url)('#native') as { NativeSession: { prototype: object } }
  const methods = NativeSession.prototype as Record<string, (...words: unknown[]) => unknown>
  let calls = 0
  for (const name of Object.getOwnPropertyNames(methods).filter((name) => name !== 'constructor')) {
    const method = methods[name]!
    methods[name] = function (this: unknown, ...words) {
      calls++
      return method.apply(this, words)
    }
  }
  return () => calls
}
