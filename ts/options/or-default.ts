/** The default of an option that was left out; `null` is not leaving out, so that its check refuses it. */
export function orDefault(value: unknown, otherwise: unknown): unknown {
  return value === undefined ? otherwise : value
}
