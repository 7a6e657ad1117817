/** `--vs PEER`: the workloads with us and with a peer by turns, and how many times its speed we have. */
import { resolve } from 'node:path'
import type { VersusArguments } from '../arguments.ts'
import type { Measured, MeasuredSample, PeerLine, SampleLine } from '../measured.ts'
import { measureInOwnProcess } from '../own-process.ts'
import { jobOf } from '../workloads/job.ts'
import { WORKLOADS } from '../workloads/list.ts'
import { alternate, type Compared, geometricMean } from './alternate.ts'
import { PEER_PROGRAMS } from './peer-programs.ts'
import { peerCommand, runPeer } from './run-peer.ts'
import { COMPARED_TITLE, comparedRow } from './table.ts'

/**
 * Prints a row for each workload and the geometric mean of the trainings' ratios.
 * @param here the folder that relative paths mean
 * @returns whether all was measured
 */
export async function compareWith(wanted: VersusArguments, here: string): Promise<boolean> {
  const { versus, json, python } = wanted
  const command = peerCommand(versus, python && resolve(here, python), peersFolder(here))
  const groups = [...wanted.wanted.ids.map((id) => [id]), ...(wanted.wanted.sampled.length > 0 ? [['sample']] : [])]
  if (!json) console.log(COMPARED_TITLE)
  const all: Compared[] = []
  for (const [id] of groups) {
    const measured = await compareOne(wanted, id!, (way) => runPeer(command, id!, way, wanted.setting.seconds))
    for (const one of measured) console.log(json ? JSON.stringify(one) : comparedRow(one))
    all.push(...measured)
  }
  tellMean(all, versus, json)
  const { ids, sampled } = wanted.wanted
  return all.length === ids.length + sampled.length
}

function peersFolder(here: string): string | undefined {
  const { RNNKIT_PEERS } = process.env
  return RNNKIT_PEERS && resolve(here, RNNKIT_PEERS)
}

/** @param id of a workload, or 'sample' for all sampling */
async function compareOne(
  { wanted, setting, versus, rounds }: VersusArguments,
  id: string,
  theirs: (way: readonly string[]) => Promise<(PeerLine | SampleLine)[]>,
): Promise<Compared[]> {
  const { ways, byWallClock } = PEER_PROGRAMS[versus]
  const ours = async () => {
    if (id !== 'sample') return measuredOnly([await measureInOwnProcess<Measured>('workload', jobOf(id, setting))])
    const lines: (MeasuredSample | undefined)[] = []
    for (const sampled of wanted.sampled) lines.push(await measureInOwnProcess('sample', jobOf(sampled, setting)))
    return measuredOnly(lines)
  }
  const speedOf = byWallClock ? speedByWallClock : speedOfSteps
  const found = await alternate({ rounds, ways: ways(id, setting.threads), speedOf, ours, theirs })
  if (found.length === 0) console.error(`bench: ${id} could not be compared with ${versus}`)
  return found
}

function measuredOnly<Line>(lines: readonly (Line | undefined)[]): Line[] {
  return lines.filter((line) => line !== undefined)
}

function speedOfSteps(line: PeerLine | SampleLine): number {
  return 'chars_per_s' in line ? line.chars_per_s : line.tokens_per_s
}

/** What a step takes with all that lies between it and the next. */
function speedByWallClock(line: PeerLine | SampleLine): number {
  const { T, B } = WORKLOADS.get(line.workload)!
  return (1000 * T * B) / (line as PeerLine).wall_ms_per_step!
}

function tellMean(all: readonly Compared[], versus: string, json: boolean): void {
  const ratios = all.filter(({ workload }) => WORKLOADS.has(workload)).map(({ ratio }) => ratio)
  if (ratios.length === 0) return
  const mean = geometricMean(ratios)
  console.log(
    json ? JSON.stringify({ versus, geometricMean: mean, workloads: ratios.length }) : meanLine(mean, ratios.length),
  )
}

function meanLine(mean: number, count: number): string {
  return `geometric mean of ${count === 1 ? 'one ratio' : `${count} ratios`}: ${mean.toFixed(2)}`
}
