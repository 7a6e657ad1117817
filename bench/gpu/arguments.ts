/** The command line of the GPU bench. */
import { parseArgs } from 'node:util'
import { duration, oneOf } from '../arguments.ts'

export interface GpuBenchArguments {
  readonly device: 'gpu' | 'cpu'
  readonly adapter: string | null
  /** Measured time of each run. */
  readonly seconds: number
  /** All that is not begun by then is left out. */
  readonly minutes: number
  readonly quick: boolean
  /** Measure PyTorch's steps captured in a CUDA graph, too. */
  readonly graph: boolean
}

/** @throws an error that names the argument, its value and what would do */
export function readGpuBenchArguments(words: readonly string[]): GpuBenchArguments {
  const { values } = parseArgs({
    args: [...words],
    options: {
      device: { type: 'string', default: 'gpu' },
      adapter: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string', default: '8' },
      quick: { type: 'boolean', default: false },
      graph: { type: 'boolean', default: false },
    },
  })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 600))
    throw new Error(`--minutes must be above 0 and at most 600, not ${values.minutes}`)
  return {
    device: oneOf('device', values.device, ['gpu', 'cpu']),
    adapter: values.adapter ?? null,
    seconds: duration(values.seconds ?? (values.quick ? '0.2' : '4')),
    minutes,
    quick: values.quick,
    graph: values.graph,
  }
}
