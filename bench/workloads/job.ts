/** What a process of the bench is told to do: one workload, on that much data, in that setting. */
import type { Setting } from '../setting.ts'
import { shrunken, WORKLOADS, type Workload } from './list.ts'

export interface Job {
  /** Name of the workload in the results. */
  readonly id: string
  readonly workload: Workload
  /** Windows in the data, which are gone through again and again. */
  readonly windows: number
  readonly setting: Setting
}

/** A call of the engine ends with the data: a GPU's has some hundred windows, and so has the CPU's of a tiny model. */
const WINDOWS = { cpu: 32, gpu: 512 }
/** Floating-point operations below which a model is tiny. */
const TINY = 1e7

/** The job of a workload of the list. */
export function jobOf(id: string, setting: Setting): Job {
  const listed = WORKLOADS.get(id)!
  const workload = setting.quick ? shrunken(listed) : listed
  return { id, workload, windows: windowsOf(listed, setting.device), setting }
}

function windowsOf({ T, B, hidden, layers }: Workload, device: Setting['device']): number {
  return T * B * hidden * hidden * layers < TINY ? WINDOWS.gpu : WINDOWS[device]
}

/** The job that this process was started with. */
export function givenJob(): Job {
  return JSON.parse(process.argv[2]!) as Job
}
