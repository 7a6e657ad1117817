/** Results as rows of a table: what a CPU's table shows, what a GPU's, and a peer beside them. */
import type { Measured, MeasuredSample, PeerLine } from './measured.ts'
import { fastestPeer } from './peer-lines.ts'

interface Column<Line = Measured> {
  readonly title: string
  readonly width: number
  readonly cell: (measured: Line, peer: PeerLine | undefined) => string
}

const COLUMNS = {
  workload: { title: '', width: 4, cell: ({ workload }) => workload },
  threads: { title: 'threads', width: 8, cell: ({ threads }) => String(threads) },
  precision: { title: 'weights', width: 9, cell: ({ precision }) => precision },
  form: { title: 'form', width: 10, cell: ({ form }) => form },
  symbols: { title: 'tokens/s', width: 12, cell: ({ tokens_per_s }) => tokens_per_s.toLocaleString('en') },
  step: { title: 'step ms', width: 10, cell: ({ step_ms_median }) => step_ms_median.toFixed(3) },
  wall: { title: 'wall ms', width: 10, cell: ({ wall_ms_per_step }) => wall_ms_per_step.toFixed(3) },
  timing: { title: 'timed by', width: 12, cell: ({ timing }) => timing },
  gflops: { title: 'GFLOP/s', width: 10, cell: ({ gflops }) => gflops.toFixed(1) },
  first: { title: 'first step s', width: 13, cell: ({ first_step_s }) => first_step_s.toFixed(2) },
  memory: { title: 'peak MiB', width: 9, cell: ({ rss_mb }) => rss_mb.toLocaleString('en') },
  steps: { title: 'steps', width: 8, cell: ({ steps }) => steps.toLocaleString('en') },
  otherCores: { title: 'other cores', width: 12, cell: ({ other_cores }) => other_cores?.toFixed(2) ?? '?' },
  input: { title: 'input', width: 11, cell: ({ idiom }) => idiom },
  peer: {
    title: 'peer',
    width: 22,
    cell: (_, peer) => (peer === undefined ? '-' : `${peer.peer} ${peer.idiom ?? ''}`),
  },
  peerSymbols: { title: 'tokens/s', width: 12, cell: (_, peer) => peer?.tokens_per_s.toLocaleString('en') ?? '-' },
  ratio: { title: 'ratio', width: 8, cell: ({ tokens_per_s }, peer) => ratio(tokens_per_s, peer) },
} satisfies Record<string, Column>

const {
  workload,
  threads,
  precision,
  form,
  symbols,
  step,
  wall,
  timing,
  gflops,
  first,
  memory,
  steps,
  otherCores,
  input,
} = COLUMNS
const ON_DEVICE: Readonly<Record<Measured['device'], readonly Column[]>> = {
  cpu: [workload, threads, symbols, step, wall, timing, gflops, first, memory, steps, otherCores, input],
  gpu: [workload, precision, form, symbols, step, wall, timing, gflops, first, memory, steps],
}
const BESIDE: readonly Column[] = [COLUMNS.peer, COLUMNS.peerSymbols, COLUMNS.ratio]

const SAMPLING: readonly Column<MeasuredSample>[] = [
  { title: '', width: 10, cell: ({ workload }) => workload },
  { title: 'threads', width: 8, cell: ({ threads }) => String(threads) },
  { title: 'characters/s', width: 14, cell: ({ chars_per_s }) => chars_per_s.toLocaleString('en') },
  { title: 'of a text', width: 11, cell: ({ characters }) => characters.toLocaleString('en') },
  { title: 'native calls', width: 14, cell: ({ native_calls }) => native_calls.toLocaleString('en') },
  { title: 'peak MiB', width: 10, cell: ({ rss_mb }) => rss_mb.toLocaleString('en') },
  { title: 'other cores', width: 12, cell: ({ other_cores }) => other_cores?.toFixed(2) ?? '?' },
]

export interface Table<Line = Measured> {
  readonly title: string
  row(measured: Line): string
}

/** @param peers another program's lines; the fastest that did the same is shown beside each row, with ours / theirs */
export function createTable(device: Measured['device'], peers?: readonly PeerLine[]): Table {
  return tableOf(peers === undefined ? ON_DEVICE[device] : [...ON_DEVICE[device], ...BESIDE], (measured) =>
    fastestPeer(measured, peers ?? []),
  )
}

export function createSampleTable(): Table<MeasuredSample> {
  return tableOf(SAMPLING, () => undefined)
}

function tableOf<Line>(
  columns: readonly Column<Line>[],
  peerOf: (measured: Line) => PeerLine | undefined,
): Table<Line> {
  const line = (texts: readonly string[]) => texts.map((text, at) => text.padStart(columns[at]!.width)).join('')
  return {
    title: line(columns.map(({ title }) => title)),
    row: (measured) => {
      const peer = peerOf(measured)
      return line(columns.map(({ cell }) => cell(measured, peer)))
    },
  }
}

function ratio(symbolsPerSecond: number, peer: PeerLine | undefined): string {
  return peer === undefined ? '-' : (symbolsPerSecond / peer.tokens_per_s).toFixed(2)
}
