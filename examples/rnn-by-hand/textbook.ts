/** The textbook's numbers: rows are multiplied, state @ wState + x * wInput + bCell, and then state @ wOutput + bOutput. */
export const X = [1, 2]
export const wState = [
  [0.1, 0.2],
  [0.3, 0.4],
]
export const wInput = [0.5, 0.6]
export const bCell = [0.1, -0.1]
export const wOutput = [1, 2]
export const bOutput = 0.1

/** State and output after each time step. */
export type Steps = { state: number[]; output: number }[]

/** What the textbook prints. */
export const PRINTED: Steps = [
  { state: [0.53704957, 0.46211716], output: 1.56128388 },
  { state: [0.85973818, 0.88366641], output: 2.72707101 },
]

/** The largest difference from what is printed, in units of the number's `digits`-th digit. */
export function difference(steps: Steps, digits: number): number {
  const values = (all: Steps) => all.flatMap(({ state, output }) => [...state, output])
  const printed = values(PRINTED)
  const unit = (value: number) => 10 ** (Math.floor(Math.log10(value)) + 1 - digits)
  return Math.max(...values(steps).map((value, i) => Math.abs(value - printed[i]!) / unit(printed[i]!)))
}

export function shown(steps: Steps): string {
  const eight = (value: number) => value.toFixed(8)
  return steps
    .map(({ state, output }) => `state: [${state.map(eight).join(' ')}]  output: [${eight(output)}]`)
    .join('\n')
}
