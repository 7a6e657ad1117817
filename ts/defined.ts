/** Objects without what is `undefined`: an option or a measure that is not there has no key. */

/** `object` without the properties that are `undefined`. */
export function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** As `defined`, and `undefined` when nothing is left. */
export function definedOrNothing<T extends object>(object: T): ReturnType<typeof defined<T>> | undefined {
  const kept = defined(object)
  return Object.keys(kept).length === 0 ? undefined : kept
}
