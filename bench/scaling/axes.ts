/** What is varied, each by itself, with all else as in the base. */
import { usefulFlops, type Workload } from '../workloads/list.ts'

/** One measurement. */
export interface Point {
  /** What is varied, as it is here. */
  readonly value: number
  readonly workload: Workload
  /** Windows in the data. */
  readonly windows: number
}

export interface Axis {
  readonly name: string
  readonly points: readonly Point[]
  /** What the useful arithmetic of a step grows with, a power of the varied value, over the same points. */
  readonly work: number
}

const BASE: Workload = {
  cell: 'lstm',
  layers: 1,
  hidden: 128,
  vocab: 64,
  T: 32,
  B: 32,
  head: 'all',
  opt: 'adam',
  lr: 1e-3,
}
const WINDOWS = 32

export const AXES: readonly Axis[] = [
  axis('T, time steps', [16, 32, 64, 128], (T) => ({ workload: { ...BASE, T } })),
  axis('N, lanes', [16, 32, 64, 128], (B) => ({ workload: { ...BASE, B } })),
  axis('H, hidden size', [64, 128, 256, 512], (hidden) => ({ workload: { ...BASE, hidden } })),
  axis('L, layers', [1, 2, 4, 8], (layers) => ({ workload: { ...BASE, layers } })),
  axis('V, vocabulary', [64, 256, 1024, 4096], (vocab) => ({ workload: { ...BASE, vocab } })),
  axis(
    'symbols of the text',
    [32, 128, 512, 2048].map((windows) => windows * BASE.T * BASE.B),
    (symbols) => ({
      windows: symbols / (BASE.T * BASE.B),
    }),
  ),
]

function axis(name: string, values: readonly number[], vary: (value: number) => Partial<Point>): Axis {
  const points = values.map((value) => ({ value, workload: BASE, windows: WINDOWS, ...vary(value) }))
  return { name, points, work: exponent(points.map(({ value, workload }) => [value, usefulFlops(workload)])) }
}

/** The slope of the straight line that fits the points' logarithms best: p of y ~ xᵖ. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logarithms = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (part: 0 | 1) => logarithms.reduce((sum, point) => sum + point[part], 0) / logarithms.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const together = logarithms.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const alone = logarithms.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return together / alone
}
