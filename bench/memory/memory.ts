/** `memory`: the resident memory of W6 after many steps, beside that after some: it must not grow. */
import { type MemoryArguments, SETTLED_STEPS } from '../arguments.ts'
import { ownProgram } from '../own-process.ts'
import { runProgram } from '../run-program.ts'
import { jobOf } from '../workloads/job.ts'
import type { MemoryAt } from './steps.ts'

const WORKLOAD = 'W6'
/** Seconds that a step takes on a slow machine. */
const SLOW_STEP = 0.2

/** @returns whether it was measured */
export async function measureMemory({ setting, steps, json }: MemoryArguments): Promise<boolean> {
  const marks = [SETTLED_STEPS, steps]
  const words = [ownProgram('memory'), JSON.stringify(jobOf(WORKLOAD, setting)), JSON.stringify(marks)]
  const { code, stdout } = await runProgram(process.execPath, words, 60 + SLOW_STEP * steps)
  if (code !== 0) {
    console.error(`bench: ${WORKLOAD} failed`)
    return false
  }
  const all = JSON.parse(stdout) as MemoryAt[]
  const growth = all.at(-1)!.peak - all[0]!.peak
  const rounded = (mebibytes: number) => Number(mebibytes.toFixed(1))
  if (json) {
    for (const { steps, peak, now } of all) {
      console.log(JSON.stringify({ workload: WORKLOAD, steps, rss_mb: rounded(peak), rss_mb_now: rounded(now) }))
    }
    return true
  }
  console.log(`${'steps'.padStart(10)}${'peak MiB'.padStart(12)}${'now MiB'.padStart(12)}`)
  for (const { steps, peak, now } of all) {
    console.log(
      `${steps.toLocaleString('en').padStart(10)}${peak.toFixed(1).padStart(12)}${now.toFixed(1).padStart(12)}`,
    )
  }
  console.log(`the peak grew by ${growth.toFixed(1)} MiB`)
  return true
}
