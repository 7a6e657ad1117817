/** The data, and how they are drawn. */

/** `count` values of the sine from number `from` on, `gap` radians apart. */
export function sine(from: number, count: number, gap: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin((from + i) * gap))
}

/** The first ten radians of values `gap` apart, as [number, value]. */
export function curve(values: ArrayLike<number>, gap: number): [number, number][] {
  return Array.from({ length: 10 / gap }, (_, i) => [i, values[i]!])
}
