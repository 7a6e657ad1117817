/**
 * All that is to be measured on a machine with a GPU, in the folder that scripts/bench-gpu.mjs packs: its adapters, the work list in each
 * precision and form, PyTorch's figures beside it, and whether the reference cases hold. What it prints and measures is kept in results/.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { type AdapterName, listAdapters } from './adapters.ts'
import { type GpuBenchArguments, readGpuBenchArguments } from './gpu/arguments.ts'
import { Deadline } from './gpu/deadline.ts'
import { type PlannedRun, plannedRuns } from './gpu/plan.ts'
import type { Measured, PeerLine } from './measured.ts'
import { measureInOwnProcess } from './own-process.ts'
import { parsePeerLines } from './peer-lines.ts'
import { runProgram } from './run-program.ts'
import { createTable } from './table.ts'
import { jobOf } from './workloads/job.ts'
import { shrunken, usefulFlops, WORKLOADS } from './workloads/list.ts'

const RESULTS = 'results'
/** Seconds that a run may take besides being measured: Node, pipelines, the first steps. */
const START = 60
/** Seconds kept for PyTorch and for the reference cases. */
const PEER = 150
const REFERENCE = 60

try {
  await main(readGpuBenchArguments(process.argv.slice(2)))
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}

async function main(wanted: GpuBenchArguments): Promise<void> {
  const deadline = new Deadline(wanted.minutes)
  mkdirSync(RESULTS, { recursive: true })
  for (const file of ['report.txt', 'rnnkit.jsonl', 'pytorch.jsonl']) writeFileSync(`${RESULTS}/${file}`, '')
  await describeMachine(wanted, deadline)
  const measured = await measureAll(wanted, deadline)
  const peers = await measurePeer(wanted, deadline)
  printTable(wanted, measured, peers)
  const correct = await checkReference(wanted, deadline)
  say(`\nAll of this is in ${RESULTS}/: report.txt, rnnkit.jsonl and pytorch.jsonl.`)
  process.exitCode = measured.length > 0 && correct ? 0 : 1
}

/** A line of the report. */
function say(line: string): void {
  console.log(line)
  appendFileSync(`${RESULTS}/report.txt`, `${line}\n`)
}

async function describeMachine({ quick }: GpuBenchArguments, deadline: Deadline): Promise<void> {
  say(`rnnkit on a GPU, ${new Date().toISOString()}, Node ${process.version}, ${process.platform} ${process.arch}`)
  if (quick) say('QUICK: small models and short runs, to try the bench. The figures say nothing.')
  const devices = await runProgram(process.execPath, ['dist/cli/main.js', 'devices'], deadline.seconds(START, 0))
  say(devices.code === 0 ? devices.stdout.trimEnd() : 'rnnkit devices failed')
  const query = ['--query-gpu=name,driver_version,power.limit,clocks.max.sm', '--format=csv,noheader']
  const nvidia = await runProgram('nvidia-smi', query, deadline.seconds(START, 0))
  if (nvidia.code === 0) say(`nvidia-smi: ${nvidia.stdout.trimEnd()}`)
}

async function measureAll(wanted: GpuBenchArguments, deadline: Deadline): Promise<Measured[]> {
  const all: Measured[] = []
  const adapters = wanted.device === 'gpu' ? await listAdapters() : []
  for (const run of plannedRuns(wanted.device)) {
    const limit = deadline.seconds(wanted.seconds + START, PEER + REFERENCE)
    const measured = limit === 0 ? undefined : await measure(run, wanted, adapters, limit)
    if (measured === undefined) {
      say(`${inWords(run)}: ${limit === 0 ? 'left out, the time is up' : 'not measured'}`)
      continue
    }
    if (all.length === 0) say(`Measured on: ${measured.device_description}`)
    console.error(`${inWords(run)}: ${measured.tokens_per_s.toLocaleString('en')} tokens/s`)
    appendFileSync(`${RESULTS}/rnnkit.jsonl`, `${JSON.stringify(measured)}\n`)
    all.push(measured)
  }
  return all
}

function measure(
  { id, precision, form }: PlannedRun,
  { device, adapter, seconds, quick }: GpuBenchArguments,
  adapters: readonly AdapterName[],
  limit: number,
): Promise<Measured | undefined> {
  const setting = { device, adapter, seconds, quick, precision, form, threads: 2 }
  return measureInOwnProcess<Measured>('workload', jobOf(id, setting), adapters, limit)
}

function inWords({ id, precision, form }: PlannedRun): string {
  return [id, precision, form ?? 'auto'].join(' ')
}

/** PyTorch's lines; none where it is not there. */
async function measurePeer(wanted: GpuBenchArguments, deadline: Deadline): Promise<PeerLine[]> {
  const { device, seconds, quick, graph } = wanted
  const workloads = [...WORKLOADS].map(([id, workload]) => {
    const tried = quick ? shrunken(workload) : workload
    return [id, { ...tried, usefulFlops: usefulFlops(tried) }] as const
  })
  writeFileSync(`${RESULTS}/workloads.json`, JSON.stringify(Object.fromEntries(workloads)))
  const on = ['--device', device === 'gpu' ? 'cuda' : 'cpu', ...(graph ? ['--graph'] : [])]
  const words = ['bench/torch_gpu.py', `${RESULTS}/workloads.json`, '--seconds', String(seconds), ...on]
  const limit = deadline.seconds(Number.POSITIVE_INFINITY, REFERENCE)
  const { code, stdout, tookTooLong } = await runProgram('python3', words, limit)
  writeFileSync(`${RESULTS}/pytorch.jsonl`, stdout)
  if (tookTooLong) say('PyTorch: not measured to the end, the time was up')
  else if (code !== 0) say(`PyTorch: not measured, ${code === null ? 'there is no python3' : 'see above'}`)
  // the last line of a program that was ended may be a part
  const lines = parsePeerLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1), 'what torch_gpu.py printed')
  if (lines[0] !== undefined) say(`Beside it: PyTorch ${lines[0].version} on ${lines[0].adapter}`)
  return lines
}

function printTable({ device }: GpuBenchArguments, measured: readonly Measured[], peers: readonly PeerLine[]): void {
  const table = createTable(device, peers)
  say(`\n${table.title}`)
  for (const line of measured) say(table.row(line))
}

/** The reference cases at ten times their tolerance, and how many hold the plain one. */
async function checkReference({ device }: GpuBenchArguments, deadline: Deadline): Promise<boolean> {
  const cases = ['--cases', 'cases', '--runner', './reference-runner', '--tolerance', '10']
  const words = ['bench/reference.mjs', '--device', device, ...cases]
  const { code, stdout } = await runProgram(process.execPath, words, Math.max(REFERENCE, deadline.seconds(300, 0)))
  say(`\nReference cases\n${stdout.trimEnd()}`)
  return code === 0
}
