/** `memory`: the resident memory of W6 after many steps, beside that after some: it must not grow. */
import { type MemoryArguments, SETTLED_STEPS } from '../arguments.ts'
import { ownProgram } from '../own-process.ts'
import { runProgram } from '../run-program.ts'
import { jobOf } from '../workloads/job.ts'
import type { MemoryAt } from './steps.ts'

const WORKLOAD = 'W6'
/** Characters of a column. */
const WIDTH = 12
/** Seconds that a step takes on a slow machine. */
const SLOW_STEP = 0.2

/** @returns whether it was measured */
export async function measureMemory({ setting, steps, json }: MemoryArguments): Promise<boolean> {
  const marks = [SETTLED_STEPS, steps]
  const words = ['--expose-gc', ownProgram('memory'), JSON.stringify(jobOf(WORKLOAD, setting)), JSON.stringify(marks)]
  const { code, stdout } = await runProgram(process.execPath, words, 60 + SLOW_STEP * steps)
  if (code !== 0) {
    console.error(`bench: ${WORKLOAD} failed`)
    return false
  }
  const all = JSON.parse(stdout) as MemoryAt[]
  if (json) for (const at of all) console.log(JSON.stringify(lineOf(at)))
  else console.log(inWords(all))
  return true
}

function lineOf({ steps, peak, now, heap }: MemoryAt) {
  const rounded = (mebibytes: number) => Number(mebibytes.toFixed(1))
  return { workload: WORKLOAD, steps, rss_mb: rounded(peak), rss_mb_now: rounded(now), heap_mb_now: rounded(heap) }
}

function inWords(all: readonly MemoryAt[]): string {
  const row = (...cells: string[]) => cells.map((cell) => cell.padStart(WIDTH)).join('')
  const rows = all.map(({ steps, peak, now, heap }) =>
    row(steps.toLocaleString('en'), peak.toFixed(1), now.toFixed(1), heap.toFixed(1)),
  )
  const growth = (all.at(-1)!.peak - all[0]!.peak).toFixed(1)
  return [row('steps', 'peak MiB', 'now MiB', 'heap MiB'), ...rows, `the peak grew by ${growth} MiB`].join('\n')
}
