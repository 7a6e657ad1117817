/** How a workload is run: device, number type, form, and how long it is measured. */
import type { Precision } from 'rnnkit'

export interface Setting {
  readonly device: 'cpu' | 'gpu'
  /** Threads of the processor; on a GPU they do next to nothing. */
  readonly threads: number
  /** Measured time. */
  readonly seconds: number
  /** Number type of the packed weights. */
  readonly precision: Precision
  /** Part of the adapter's name, or its number; `null` = the first that is no software. */
  readonly adapter: string | null
  /** Form of the recurrence; `null` = by the engine's table. */
  readonly form: 'step' | 'resident' | null
  /** A much smaller model, to try the bench itself: such figures say nothing. */
  readonly quick: boolean
}

/** What `trainCharModel` is told of the device. */
export function deviceOptions({ device, threads, precision, adapter, form }: Setting) {
  if (device === 'cpu') return { device, threads, precision }
  return { device, threads, precision, ...(adapter === null ? {} : { adapter }), ...(form === null ? {} : { form }) }
}
