/** Finds the examples, runs one, and judges what it gives: for the command line and for the tests. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { watchCores } from '../../bench/machine.ts'
import type { ShownProgress } from '../../ts/cli/progress-line.ts'
import type { Example, Result, Run } from './example.ts'
import { type Range, rangeOf } from './ranges.ts'
import { type ChosenText, chooseText } from './texts.ts'

const EXAMPLES = new URL('../', import.meta.url)

export interface ExampleOptions {
  /** @default false */
  quick?: boolean
  /** Paths of the reader's own text. @default [] */
  text?: readonly string[]
  /** @default 1 */
  seed?: number
  /** @default one for each processor */
  threads?: number
  /** Told each line of the result. @default nobody */
  say?: (line: string) => void
  /** Told of all trainings. @default nobody */
  onProgress?: (progress: ShownProgress) => void
}

export interface Outcome extends Result {
  name: string
  text: ChosenText
  seconds: number
  /** Cores that other programs kept busy meanwhile; 0 where the system does not say. */
  otherCores: number
  /** `undefined` for a reader's own text, and where none was measured. */
  range: Range | undefined
  /** All that was said. */
  said: string[]
  /** Claims that do not hold, and what is wrong with the figure. */
  faults: string[]
  /** Whether nothing is wrong; a reader's own text is held to no more than a finite figure. */
  ok: boolean
}

/** Every example's name, in order. */
export function exampleNames(): string[] {
  return readdirSync(EXAMPLES)
    .filter((name) => existsSync(new URL(`${name}/main.ts`, EXAMPLES)))
    .sort()
}

/** Folder of an example. */
export function folderOf(name: string): string {
  return fileURLToPath(new URL(name, EXAMPLES))
}

export async function loadExample(name: string): Promise<Example> {
  const { example } = (await import(pathToFileURL(`${folderOf(name)}/main.ts`).href)) as { example: Example }
  return example
}

/** Runs an example to its end. */
export async function runExample(name: string, options: ExampleOptions = {}): Promise<Outcome> {
  const { quick = false, text: given = [], seed = 1, threads, say = () => {}, onProgress = () => {} } = options
  const example = await loadExample(name)
  const text = chooseText(folderOf(name), example.text, given)
  const said: string[] = []
  const clock = performance.now()
  const coresSince = watchCores()
  const run: Run = {
    quick,
    files: text.files,
    text: text.name,
    training: { seed, onProgress, ...(threads === undefined ? {} : { threads }) },
    say: (line) => {
      said.push(line)
      say(line)
    },
  }
  const result = await example.run(run)
  const seconds = (performance.now() - clock) / 1000
  const otherCores = coresSince()?.other_cores ?? 0
  const range = text.own ? undefined : await rangeOf(folderOf(name), text.name, quick ? 'quick' : 'full')
  const faults = faultsOf(result, text, range, quick)
  return { name, text, seconds, otherCores, range, said, faults, ok: faults.length === 0, ...result }
}

/**
 * What is wrong with a result; nothing but the figure is looked at on a text of the reader’s own. Quick runs are what tests hold: they must
 * have a range, while a full run without one is held to its claims alone.
 */
export function faultsOf(
  { figure, claims }: Pick<Result, 'figure' | 'claims'>,
  text: Pick<ChosenText, 'name' | 'own'>,
  range: Range | undefined,
  quick: boolean,
): string[] {
  if (!Number.isFinite(figure)) return [`its figure is ${figure}`]
  if (text.own) return []
  const broken = Object.keys(claims).filter((claim) => !claims[claim])
  const faults = broken.map((claim) => `does not hold: ${claim}`)
  if (range === undefined) return quick ? [...faults, `no range was measured for '${text.name}'`] : faults
  const inside = figure >= range.low && figure <= range.high
  return inside ? faults : [...faults, `its figure ${figure} is not within ${range.low} to ${range.high}`]
}
