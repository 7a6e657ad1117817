/** Runs the workloads one after the other, each in a process of its own, and prints one JSON line or one table row for each. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Measured } from './workload.ts'
import { UNSUPPORTED, WORKLOADS } from './workloads.ts'

interface Wanted {
  ids: readonly string[]
  threads: number
  seconds: number
  json: boolean
}

const TITLES = [
  '',
  'threads',
  'tokens/s',
  'step ms',
  'GFLOP/s',
  'first step s',
  'peak MiB',
  'steps',
  'other cores',
  'input',
]

try {
  await main(readArguments())
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}

async function main({ ids, threads, seconds, json }: Wanted): Promise<void> {
  if (!json) console.log(tableRow(TITLES))
  for (const id of ids) {
    const line = await measureInOwnProcess(id, threads, seconds)
    if (line === undefined) {
      console.error(`bench: ${id} failed`)
      process.exitCode = 1
    } else {
      console.log(json ? line : tableRow(cells(JSON.parse(line) as Measured)))
    }
  }
}

function readArguments(): Wanted {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  })
  for (const id of positionals) {
    if (UNSUPPORTED.includes(id)) throw new Error(`${id} has real-valued input, which cannot be trained yet`)
    if (!WORKLOADS.has(id))
      throw new Error(`there is no workload ${id}: choose among ${[...WORKLOADS.keys()].join(', ')}`)
  }
  const threads = Number(values.threads)
  const seconds = Number(values.seconds)
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads must be a whole number from 1, not ${values.threads}`)
  if (!(seconds > 0 && seconds < 3600)) throw new Error(`--seconds must be between 0 and 3600, not ${values.seconds}`)
  return { ids: positionals.length > 0 ? positionals : [...WORKLOADS.keys()], threads, seconds, json: values.json }
}

/** The workload's JSON line, or `undefined` when its process failed (and said why on stderr). */
function measureInOwnProcess(id: string, threads: number, seconds: number): Promise<string | undefined> {
  const script = fileURLToPath(new URL('./workload.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, id, String(threads), String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? output.trim() : undefined))
  })
}

function cells(measured: Measured): string[] {
  return [
    measured.workload,
    String(measured.threads),
    measured.tokens_per_s.toLocaleString('en'),
    measured.step_ms_median.toFixed(2),
    measured.gflops.toFixed(1),
    measured.first_step_s.toFixed(2),
    measured.rss_mb.toLocaleString('en'),
    measured.steps.toLocaleString('en'),
    measured.other_cores?.toFixed(2) ?? '?',
    measured.idiom,
  ]
}

function tableRow(columns: readonly string[]): string {
  return columns.map((text, column) => text.padStart([4, 8, 10, 9, 8, 13, 9, 7, 12, 11][column]!)).join('')
}
