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
}

await printResult(() => memoryAt(JSON.parse(process.argv[3]!) as number[]))

/** @param marks in ascending order */
async function memoryAt(marks: readonly number[]): Promise<MemoryAt[]> {
  const model = await trainedOneStep(givenJob())
  const all: MemoryAt[] = []
  let done = 1
  for (const steps of marks) {
    await trainOn(model, steps - done)
    done = steps
    all.push({ steps, peak: peakMemory(), now: process.memoryUsage().rss / 2 ** 20 })
  }
  return all
}
