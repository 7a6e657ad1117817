/** Trains a workload up to some numbers of steps and prints the memory after each as JSON: `node memory.mjs JOB STEPS`, both as JSON. */

import { peakMemory } from '../machine.ts'
import { givenJob } from '../workloads/job.ts'
import { trainedOneStep, trainOn } from '../workloads/model.ts'
import { printResult } from '../workloads/result.ts'

/** Memory of the process, in MiB. */
export interface MemoryAt {
  readonly steps: number
  /** The most that it ever had. */
  readonly peak: number
  readonly now: number
  /** Of it what JavaScript holds; garbage is collected before, where the process may (`--expose-gc`). */
  readonly heap: number
}

const MEBIBYTE = 2 ** 20

await printResult(() => memoryAt(JSON.parse(process.argv[3]!) as number[]))

/** @param marks in ascending order */
async function memoryAt(marks: readonly number[]): Promise<MemoryAt[]> {
  const model = await trainedOneStep(givenJob())
  const all: MemoryAt[] = []
  let done = 1
  for (const steps of marks) {
    await trainOn(model, steps - done)
    done = steps
    const peak = peakMemory()
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    all.push({ steps, peak, now: rss / MEBIBYTE, heap: heapUsed / MEBIBYTE })
  }
  return all
}
