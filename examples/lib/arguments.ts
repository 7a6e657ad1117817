/** The command line of `npm run example`: which examples, how long, on which text, in which words the result. */
import { parseArgs } from 'node:util'
import { nearestName } from '../../ts/options/nearest-name.ts'

export interface ExampleArguments {
  names: readonly string[]
  all: boolean
  quick: boolean
  /** JSON lines on stdout, and nothing else there. */
  json: boolean
  /** Paths; empty for the example's own text. */
  text: readonly string[]
  seed: number
  threads: number | undefined
  /** Whether to write figure.svg and the README's result. */
  write: boolean
  /** Whether to measure the range over three seeds. */
  measure: boolean
}

/** A command line that cannot be understood; the message says what would do. */
export class WrongArguments extends Error {
  override readonly name = 'WrongArguments'
}

/**
 * @param words what was typed, without node and script
 * @param known every example's name
 * @throws WrongArguments that names the argument, its value and what would do
 */
export function readArguments(words: readonly string[], known: readonly string[]): ExampleArguments {
  const { values, positionals } = parse(words)
  const given = { ...values, text: values.text ?? [], names: positionals }
  for (const name of given.names) refuseUnknown(name, known)
  refuseForAll(given)
  if (given.measure && given.text.length > 0)
    throw new WrongArguments('--measure is for the default text: leave out --text')
  if (given.write && given.text.length > 0)
    throw new WrongArguments('--write is for the default text: leave out --text')
  return {
    ...given,
    names: given.all ? known : given.names,
    quick: given.quick || given.all,
    seed: wholeNumber('seed', values.seed, 0),
    threads: values.threads === undefined ? undefined : wholeNumber('threads', values.threads, 1),
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        text: { type: 'string', multiple: true },
        seed: { type: 'string', default: '1' },
        threads: { type: 'string' },
        write: { type: 'boolean', default: false },
        measure: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new WrongArguments((error as Error).message)
  }
}

function refuseUnknown(name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`
  throw new WrongArguments(`there is no example ${JSON.stringify(name)}: ${hint}`)
}

function refuseForAll({ all, names, text }: { all: boolean; names: readonly string[]; text: readonly string[] }): void {
  if (!all) return
  if (names.length > 0) throw new WrongArguments(`--all runs every example: leave out ${names.join(', ')}`)
  if (text.length > 0) throw new WrongArguments('--text is for one example: leave it out beside --all')
}

function wholeNumber(name: string, given: string, least: number): number {
  const value = Number(given)
  if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
  throw new WrongArguments(`--${name} must be a whole number from ${least}, not ${JSON.stringify(given)}`)
}
