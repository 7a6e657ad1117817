/** What every line of results says about who measured, and how a process gives its line away. */
import { readFileSync } from 'node:fs'
import { isRnnKitError } from 'rnnkit'
import type { MeasuredBy } from '../measured.ts'
import { givenJob, type Job } from './job.ts'

/** @param description of the device, in the engine's words */
export function measuredBy({ id, setting }: Job, description: string): MeasuredBy {
  const { threads, device, precision, form, quick } = setting
  return {
    peer: 'rnnkit',
    version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
    workload: id,
    threads,
    device,
    device_description: description,
    precision,
    form: form ?? 'auto',
    ...(quick ? { quick } : {}),
  }
}

/** Prints what `measure` gives as one JSON line, or what was refused. */
export async function printResult(measure: () => Promise<unknown>): Promise<void> {
  try {
    process.stdout.write(`${JSON.stringify(await measure())}\n`)
  } catch (error) {
    if (!isRnnKitError(error)) throw error
    console.error(`bench: ${givenJob().id}: ${error.message} (${error.code})`)
    process.exitCode = 1
  }
}
