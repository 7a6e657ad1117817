/** A comparison as a row of a table. */
import type { PeerLine, SampleLine } from '../measured.ts'
import type { Compared } from './alternate.ts'

interface Column {
  readonly title: string
  readonly width: number
  readonly cell: (compared: Compared) => string
}

const COLUMNS: readonly Column[] = [
  { title: '', width: 10, cell: ({ workload }) => workload },
  { title: 'symbols/s', width: 12, cell: ({ oursPerSecond }) => whole(oursPerSecond) },
  { title: 'step ms', width: 10, cell: ({ ours }) => stepMs(ours) },
  { title: 'wall ms', width: 10, cell: ({ ours }) => wallMs(ours) },
  { title: 'first step s', width: 14, cell: ({ ours }) => seconds(ours) },
  { title: 'peak MiB', width: 10, cell: ({ ours }) => mebibytes(ours) },
  { title: 'peer (threads)', width: 38, cell: ({ theirs }) => nameOf(theirs) },
  { title: 'symbols/s', width: 12, cell: ({ theirsPerSecond }) => whole(theirsPerSecond) },
  { title: 'step ms', width: 10, cell: ({ theirs }) => stepMs(theirs) },
  { title: 'wall ms', width: 10, cell: ({ theirs }) => wallMs(theirs) },
  { title: 'first step s', width: 14, cell: ({ theirs }) => seconds(theirs) },
  { title: 'peak MiB', width: 10, cell: ({ theirs }) => mebibytes(theirs) },
  { title: 'ratio', width: 9, cell: ({ ratio }) => ratio.toFixed(2) },
  { title: 'of rounds', width: 16, cell: ({ lowest, highest }) => `${lowest.toFixed(2)}-${highest.toFixed(2)}` },
  { title: 'other cores', width: 13, cell: ({ ours, theirs }) => `${cores(ours)} ${cores(theirs)}` },
]

export const COMPARED_TITLE = COLUMNS.map(({ title, width }) => title.padStart(width)).join('')

export function comparedRow(compared: Compared): string {
  return COLUMNS.map(({ cell, width }) => cell(compared).padStart(width)).join('')
}

type Line = PeerLine | SampleLine

function nameOf({ peer, idiom = '', threads }: Line): string {
  return `${peer} ${idiom} (${threads ?? '?'})`
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en')
}

function stepMs(line: Line): string {
  return 'step_ms_median' in line ? line.step_ms_median.toFixed(3) : '-'
}

function wallMs(line: Line): string {
  return 'wall_ms_per_step' in line ? line.wall_ms_per_step!.toFixed(3) : '-'
}

function seconds(line: Line): string {
  return 'first_step_s' in line ? line.first_step_s!.toFixed(2) : '-'
}

function mebibytes(line: Line): string {
  return 'rss_mb' in line ? whole(line.rss_mb as number) : '-'
}

function cores({ other_cores }: Line): string {
  return other_cores?.toFixed(2) ?? '?'
}
