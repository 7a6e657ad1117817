/** Options from flags: a flag that was not given leaves its option out, so that the library's default holds. */

/** `options` without the keys whose value is `undefined`. */
export function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** As `defined`, and `undefined` when nothing is left. */
export function definedOrNothing(options: object): object | undefined {
  const kept = defined(options)
  return Object.keys(kept).length === 0 ? undefined : kept
}
