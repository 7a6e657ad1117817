/** What the operating system knows about this process: its age, its memory, and how busy everyone else was meanwhile. */
import { existsSync, readFileSync } from 'node:fs'

/** Clock ticks per second in /proc: Linux fixed it at 100 for user space. */
const TICKS_PER_SECOND = 100

/** Seconds of processor time since the machine or this process began. */
interface ProcessorTime {
  machine: number
  stolen: number
  own: number
}

/** Seconds since this process was started (since Node's own clock began where there is no /proc). */
export function secondsSinceProcessStart(): number {
  if (!existsSync('/proc/self/stat')) return performance.now() / 1000
  const afterName = readFileSync('/proc/self/stat', 'utf8').split(')').at(-1)!.split(' ')
  const started = Number(afterName[20]) / TICKS_PER_SECOND
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) - started
}

/** Peak resident memory in MiB. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS / 1024
}

/** Starts watching; the function it gives back says how many cores this process, others and the hypervisor used since. */
export function watchCores(): () => { own_cores: number; other_cores: number; stolen_cores: number } | undefined {
  const start = processorTime()
  const startedAt = performance.now()
  return () => {
    const end = processorTime()
    if (start === undefined || end === undefined) return undefined
    const seconds = (performance.now() - startedAt) / 1000
    const own = end.own - start.own
    const cores = (time: number) => Math.round((100 * time) / seconds) / 100
    return {
      own_cores: cores(own),
      other_cores: cores(end.machine - start.machine - own),
      stolen_cores: cores(end.stolen - start.stolen),
    }
  }
}

function processorTime(): ProcessorTime | undefined {
  if (!existsSync('/proc/stat')) return undefined
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND)
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return {
    machine: user! + nice! + system! + irq! + softirq!,
    stolen: steal!,
    own: (userCPUTime + systemCPUTime) / 1e6,
  }
}
