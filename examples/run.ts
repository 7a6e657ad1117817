/** Runs examples from the command line: one with all that it says, or `--all` quickly with a table. */
import { resolve } from 'node:path'
import { ProgressLine, type ShownProgress } from '../ts/cli/progress-line.ts'
import { type ExampleArguments, readArguments, WrongArguments } from './lib/arguments.ts'
import { drawAside, shown, writePage } from './lib/page.ts'
import { keepRange, rangeAround } from './lib/ranges.ts'
import { jsonLine, tableHead, tableRow, verdict } from './lib/report.ts'
import { exampleNames, folderOf, loadExample, type Outcome, runExample } from './lib/run-example.ts'

const SEEDS = [1, 2, 3]
/** npm changes to the package's folder; INIT_CWD is where the person stood. */
const STANDING = process.env.INIT_CWD ?? process.cwd()
const progress = new ProgressLine(process.stderr)

try {
  await main(readArguments(process.argv.slice(2), exampleNames()))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof WrongArguments ? 2 : 1
}

async function main(args: ExampleArguments): Promise<void> {
  if (args.names.length === 0) return await list()
  if (args.all && !args.json) print(tableHead())
  for (const name of args.names) {
    if (args.measure) await measure(name, args)
    else await runOne(name, args)
  }
}

/** One example after another: one that throws is told and fails the whole, but does not keep the rest from running. */
async function runOne(name: string, args: ExampleArguments): Promise<void> {
  try {
    const outcome = await runExample(name, { ...optionsOf(args), say: args.json || args.all ? () => {} : print })
    await report(outcome, args)
    if (!outcome.ok) process.exitCode = 1
  } catch (error) {
    process.exitCode = 1
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
  }
}

async function report(outcome: Outcome, args: ExampleArguments): Promise<void> {
  const { figure } = await loadExample(outcome.name)
  if (args.write) await writePage(outcome, commandOf(outcome.name, args))
  if (args.json) print(jsonLine(outcome))
  else if (args.all) print(tableRow(outcome))
  else print(`\n${verdict(outcome, figure)}\n${outcome.seconds.toFixed(1)} s, picture in ${await drawAside(outcome)}`)
  if (args.json || args.all) for (const fault of outcome.faults) progress.note(`${outcome.name}: ${fault}`)
}

/** Runs three seeds and keeps the range around their figures. */
async function measure(name: string, args: ExampleArguments): Promise<void> {
  const figures: Record<number, number> = {}
  let text = ''
  for (const seed of SEEDS) {
    const outcome = await runExample(name, { ...optionsOf(args), seed })
    figures[seed] = outcome.figure
    text = outcome.text.name
    const broken = Object.keys(outcome.claims).filter((claim) => !outcome.claims[claim])
    print(`${name}, seed ${seed}: ${shown(outcome.figure)}, ${outcome.seconds.toFixed(1)} s`)
    for (const claim of broken) print(`  does not hold: ${claim}`)
    if (broken.length > 0) process.exitCode = 1
  }
  const range = rangeAround(figures)
  print(`${name} on ${text}: ${range.low} to ${range.high}`)
  await keepRange(folderOf(name), text, args.quick ? 'quick' : 'full', range)
}

async function list(): Promise<void> {
  for (const name of exampleNames()) print(`${name.padEnd(22)} ${(await loadExample(name)).what}`)
  print('\nnpm run example -- NAME [--quick] [--text FILE] [--json], or --all')
}

function optionsOf({ quick, text, seed, threads }: ExampleArguments) {
  const onProgress = (event: ShownProgress) => progress.show(event)
  const paths = text.map((path) => resolve(STANDING, path))
  return { quick, text: paths, seed, onProgress, ...(threads === undefined ? {} : { threads }) }
}

/** A line on stdout, on a line of its own also where the progress stands on the same terminal. */
function print(line: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
  console.log(line)
}

function commandOf(name: string, { quick }: ExampleArguments): string {
  return `npm run example -- ${name}${quick ? ' --quick' : ''}`
}
