/**
 * npm run reference -- --device cpu|gpu|reference [--cases DIR] [--write OUT] [--section NAME] [--only TEXT] [--tolerance N] [--runner FILE]
 *
 * Runs a folder of reference cases on a device. Without --write it compares with the answers in the cases and prints a tally; with it, it
 * writes OUT/<case>.safetensors. --tolerance lets a case be off by N times its tolerance, and tells how many need that. --runner names a
 * runner that is built already. Exit status 1: a case failed or could not be done; 2: no case was tried; 3: the device is not there.
 */
import { type StdioOptions, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { compareCase } from './compare.ts'
import { readTensors, writeTensors } from './safetensors.ts'
import { computeSchedule } from './schedules.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BUILD_AND_RUN = ['run', '--release', '--quiet', '-p', 'rnnkit-backend-tests', '--bin', 'reference-runner', '--']
const STDIO: StdioOptions = ['ignore', 'pipe', 'inherit']
/** Exit status, of the runner and of this program, where the device is not there. */
const UNAVAILABLE = 3

interface Outcome {
  name: string
  status: 'written' | 'elsewhere' | 'failed'
  problem: string | null
}

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    cases: { type: 'string', default: join(ROOT, '__test__/reference/cases') },
    write: { type: 'string' },
    section: { type: 'string' },
    only: { type: 'string' },
    tolerance: { type: 'string', default: '1' },
    runner: { type: 'string' },
  },
})
const factor = Number(values.tolerance)
if (!(factor >= 1 && factor <= 1000)) {
  console.error(`--tolerance must be a number from 1 to 1000, not ${values.tolerance}`)
  process.exit(2)
}
// npm changes into the package's folder; relative paths mean where the caller stands.
const here = process.env.INIT_CWD ?? process.cwd()
const cases = resolve(here, values.cases)
const out = values.write === undefined ? mkdtempSync(join(tmpdir(), 'rnnkit-reference-')) : resolve(here, values.write)
if (!existsSync(cases)) {
  console.error(`there is no folder of cases ${cases}`)
  process.exit(2)
}
mkdirSync(out, { recursive: true })
try {
  const outcomes = runDevice().map(addSchedule)
  const failures = outcomes.map((outcome) => failuresOf(outcome, factor))
  failures.forEach((found, index) => {
    for (const failure of found) console.log(`${outcomes[index]!.name}: ${failure}`)
  })
  const failed = failures.filter((found) => found.length > 0).length
  if (outcomes.length === 0) console.log(`there are no cases in ${cases}`)
  if (factor > 1 && values.write === undefined) {
    const plain = outcomes.filter((outcome) => failuresOf(outcome, 1).length === 0).length
    const wider = outcomes.length - failed - plain
    console.log(`${plain} at the plain tolerance, ${wider} only at ${factor} times it`)
  }
  console.log(`${outcomes.length - failed} ${values.write === undefined ? 'passed' : 'written'}, ${failed} failed`)
  process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0
} finally {
  if (values.write === undefined) rmSync(out, { recursive: true })
}

/** Builds the runner where none is given, runs it into `out`, and takes the summary off its last line. */
function runDevice(): Outcome[] {
  const args = ['--device', values.device, '--cases', cases, '--write', out]
  for (const name of ['section', 'only'] as const) if (values[name] !== undefined) args.push(`--${name}`, values[name])
  const { status, stdout, error } =
    values.runner === undefined
      ? spawnSync('cargo', [...BUILD_AND_RUN, ...args], { cwd: ROOT, encoding: 'utf8', stdio: STDIO })
      : spawnSync(resolve(here, values.runner), args, { encoding: 'utf8', stdio: STDIO })
  if (error !== undefined) throw error
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) process.exit(status === UNAVAILABLE ? UNAVAILABLE : 2)
  const summary: { device: string; cases: Outcome[] } = JSON.parse(last)
  console.log(`device: ${summary.device}`)
  return summary.cases
}

/** The runner leaves the schedules to this side. */
function addSchedule(outcome: Outcome): Outcome {
  if (outcome.status !== 'elsewhere') return outcome
  try {
    writeTensors(fileOf(out, outcome), computeSchedule(readTensors(fileOf(cases, outcome))))
    return { ...outcome, status: 'written' }
  } catch (error) {
    return { ...outcome, status: 'failed', problem: (error as Error).message }
  }
}

function failuresOf(outcome: Outcome, factor: number): string[] {
  if (outcome.status === 'failed') return [outcome.problem ?? 'failed']
  if (values.write !== undefined) return []
  return compareCase(readTensors(fileOf(cases, outcome)), readTensors(fileOf(out, outcome)).tensors, factor)
}

function fileOf(folder: string, { name }: Outcome): string {
  return join(folder, `${name}.safetensors`)
}
