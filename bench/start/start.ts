/** `start`: from the start of a process to the first finished step of W6, beside a process that does nothing, by turns. */
import { median } from '../../ts/metrics.ts'
import type { StartArguments } from '../arguments.ts'
import { ownProgram } from '../own-process.ts'
import { runProgram } from '../run-program.ts'

/** Seconds after which a process is ended. */
const LIMIT = 60

/** Milliseconds of a process that stepped once: all of it, and what it says of its parts. */
interface Stepped {
  readonly whole: number
  readonly load: number
  readonly train: number
}

/** Prints the medians and their difference. @returns whether all processes ended well */
export async function measureStart({ rounds, threads, json }: StartArguments): Promise<boolean> {
  const idle: number[] = []
  const stepped: Stepped[] = []
  for (let round = 0; round <= rounds; round++) {
    const nothing = await timed(['-e', '0'])
    const step = await timed([ownProgram('first-step'), String(threads)])
    if (nothing === undefined || step === undefined) return false
    // The first round reads the files from the disk.
    if (round === 0) continue
    const { begun, loaded, stepped: done } = JSON.parse(step.stdout) as Record<'begun' | 'loaded' | 'stepped', number>
    idle.push(nothing.whole)
    stepped.push({ whole: step.whole, load: loaded - begun, train: done - loaded })
  }
  const of = (part: keyof Stepped) => median(stepped.map((one) => one[part]))
  const nodeMs = median(idle)
  const found = { rounds, node_ms: nodeMs, first_step_ms: of('whole'), above_ms: of('whole') - nodeMs }
  const parts = { load_ms: of('load'), train_ms: of('train') }
  console.log(json ? JSON.stringify({ ...found, ...parts }) : inWords({ ...found, ...parts }))
  return true
}

async function timed(words: readonly string[]): Promise<{ whole: number; stdout: string } | undefined> {
  const clock = performance.now()
  const { code, stdout } = await runProgram(process.execPath, words, LIMIT)
  if (code === 0) return { whole: performance.now() - clock, stdout }
  console.error(`bench: node ${words.join(' ')} failed`)
  return undefined
}

function inWords(found: Record<'rounds' | 'node_ms' | 'first_step_ms' | 'above_ms' | 'load_ms' | 'train_ms', number>) {
  const row = (what: string, ms: number) => `${what.padEnd(52)}${ms.toFixed(1).padStart(8)} ms`
  return [
    `medians of ${found.rounds} rounds, by turns`,
    row('node -e 0', found.node_ms),
    row('a process that makes the first step of W6', found.first_step_ms),
    row('  above node -e 0', found.above_ms),
    row('  of it: loading the package and its addon', found.load_ms),
    row('  of it: text, vocabulary, session and the step', found.train_ms),
  ].join('\n')
}
