/**
 * npm run reference -- --device cpu|reference [--cases DIR] [--write OUT] [--section NAME] [--only TEXT]
 *
 * Runs a folder of reference cases on a device. Without --write it compares with the answers in the cases and prints a tally; with it, it
 * writes OUT/<case>.safetensors. Exit status 1: a case failed or could not be done.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { compareCase } from './compare.ts'
import { readTensors, writeTensors } from './safetensors.ts'
import { computeSchedule } from './schedules.ts'

const ROOT = resolve(import.meta.dirname, '../..')

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
  },
})
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
  const failures = outcomes.map((outcome) => failuresOf(outcome))
  failures.forEach((found, index) => {
    for (const failure of found) console.log(`${outcomes[index]!.name}: ${failure}`)
  })
  const failed = failures.filter((found) => found.length > 0).length
  if (outcomes.length === 0) console.log(`there are no cases in ${cases}`)
  console.log(`${outcomes.length - failed} ${values.write === undefined ? 'passed' : 'written'}, ${failed} failed`)
  process.exitCode = failed > 0 || outcomes.length === 0 ? 1 : 0
} finally {
  if (values.write === undefined) rmSync(out, { recursive: true })
}

/** Builds the runner, runs it into `out`, and takes the summary off its last line. */
function runDevice(): Outcome[] {
  const build = ['run', '--release', '--quiet', '-p', 'rnnkit-backend-tests', '--bin', 'reference-runner', '--']
  const args = ['--device', values.device, '--cases', cases, '--write', out]
  for (const name of ['section', 'only'] as const) if (values[name] !== undefined) args.push(`--${name}`, values[name])
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const { stdout, error } = spawnSync('cargo', [...build, ...args], { cwd: ROOT, encoding: 'utf8', stdio: [...stdio] })
  if (error !== undefined) throw error
  const last = stdout.trimEnd().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) process.exit(2)
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

function failuresOf(outcome: Outcome): string[] {
  if (outcome.status === 'failed') return [outcome.problem ?? 'failed']
  if (values.write !== undefined) return []
  return compareCase(readTensors(fileOf(cases, outcome)), readTensors(fileOf(out, outcome)).tensors)
}

function fileOf(folder: string, { name }: Outcome): string {
  return join(folder, `${name}.safetensors`)
}
