/** Measures in a process of its own, so that memory and start are its own. */
import { fileURLToPath } from 'node:url'
import { type AdapterName, adapterNamed } from './adapters.ts'
import type { MeasuredBy } from './measured.ts'
import { runProgram } from './run-program.ts'
import type { Job } from './workloads/job.ts'

/** Programs that are compiled beside this one; each prints one JSON value. */
export type OwnProgram = 'workload' | 'sample' | 'memory' | 'first-step'

/** Seconds that set-up and first steps may take: a GPU's pipelines are compiled, and one in software is slow. */
const START = 300

export function ownProgram(name: OwnProgram): string {
  return fileURLToPath(new URL(`./${name}.mjs`, import.meta.url))
}

/**
 * The line of a job, or `undefined` when its process failed or took too long, which stderr tells.
 * @param adapters of this machine
 * @param limit seconds after which the process is ended
 */
export async function measureInOwnProcess<Line extends MeasuredBy>(
  program: OwnProgram,
  job: Job,
  adapters: readonly AdapterName[] = [],
  limit: number = job.setting.seconds + START,
): Promise<Line | undefined> {
  const words = [ownProgram(program), JSON.stringify(job)]
  const { code, stdout, tookTooLong } = await runProgram(process.execPath, words, limit)
  if (tookTooLong) console.error(`bench: ${job.id} was ended after ${Math.round(limit)} s`)
  if (code !== 0) return undefined
  const measured = JSON.parse(stdout) as Line
  const adapter = adapterNamed(measured.device_description, adapters)
  return adapter === undefined ? measured : { ...measured, adapter: adapter.name, driver: adapter.driver }
}
