/** Measures a workload in a process of its own, so that its memory and its start are its own. */
import { fileURLToPath } from 'node:url'
import { type AdapterName, adapterNamed } from './adapters.ts'
import type { Measured } from './measured.ts'
import { runProgram } from './run-program.ts'
import type { Setting } from './setting.ts'

/** Seconds that set-up and first steps may take: a GPU's pipelines are compiled, and one in software is slow. */
const START = 300

/**
 * The workload's line, or `undefined` when its process failed or took too long, which stderr tells.
 * @param adapters of this machine
 * @param limit seconds after which the process is ended
 */
export async function measureInOwnProcess(
  id: string,
  setting: Setting,
  adapters: readonly AdapterName[],
  limit: number = setting.seconds + START,
): Promise<Measured | undefined> {
  const script = fileURLToPath(new URL('./workload.mjs', import.meta.url))
  const words = [script, id, JSON.stringify(setting)]
  const { code, stdout, tookTooLong } = await runProgram(process.execPath, words, limit)
  if (tookTooLong) console.error(`bench: ${id} was ended after ${Math.round(limit)} s`)
  if (code !== 0) return undefined
  const measured = JSON.parse(stdout) as Measured
  const adapter = adapterNamed(measured.device_description, adapters)
  return adapter === undefined ? measured : { ...measured, adapter: adapter.name, driver: adapter.driver }
}
