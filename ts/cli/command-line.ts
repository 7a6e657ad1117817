/** What a person typed, turned into a command with its arguments and flags; every mistake is a UsageError that names it. */
import { type CAC, cac } from 'cac'
import { nearestName } from '../options/nearest-name.ts'
import { UsageError } from './report-error.ts'

export interface Flag {
  /** As typed after the two dashes, such as `batch-size`. */
  name: string
  /** One letter. */
  alias?: string
  /** What stands for the value in the help; without it the flag is a switch. */
  value?: string
  description: string
}

export interface Command {
  /** As cac writes it: `train <...files>`. */
  usage: string
  description: string
  flags: readonly Flag[]
  examples: readonly string[]
  run(call: Call): Promise<void>
}

/** One call of a command. */
export interface Call {
  arguments: readonly string[]
  flags: Flags
  /** Raised by Ctrl-C and by SIGTERM. */
  signal: AbortSignal
}

/** cac makes numbers of values that look like one (`007`, ` `); a value behind this mark stays as typed. No argument can hold it. */
const MARK = '\0'

/** The flags of a call, by name; absent ones are `undefined`, so that the library's defaults hold. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  has(name: string): boolean {
    return this.#values[camelCase(name)] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[camelCase(name)]
    if (value === undefined) return undefined
    if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once`)
    if (typeof value !== 'string' || !value.startsWith(MARK)) throw new UsageError(`--${name} needs a value`)
    return value.slice(MARK.length)
  }

  /** Any finite number: its range is the library's to check. */
  number(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(value)) throw new UsageError(`--${name} must be a number, not ${JSON.stringify(text)}`)
    return value
  }
}

/** Finds the command that `words` (without node and script) ask for; `undefined` when they ask for help or the version, which is then printed. */
export function parseCommandLine(
  words: readonly string[],
  commands: readonly Command[],
  version: string,
): { command: Command; arguments: string[]; flags: Flags } | undefined {
  const cli = declare(commands, version)
  cli.parse(['node', 'rnnkit', ...keepValuesWhole(words, commands)], { run: false })
  if (cli.options.help || (cli.options.version && cli.args.length === 0)) return undefined
  const command = commands.find((candidate) => nameOf(candidate) === cli.matchedCommandName)
  if (command === undefined) throw new UsageError(unknownCommand(cli.args[0], commands))
  const { '--': afterDashes = [], ...values } = cli.options
  const given = [...cli.args, ...afterDashes]
  checkFlags(values, command)
  checkArguments(given, command)
  return { command, arguments: given, flags: new Flags(values) }
}

function declare(commands: readonly Command[], version: string): CAC {
  const cli = cac('rnnkit')
  for (const command of commands) {
    const declared = cli.command(command.usage, command.description)
    for (const { name, alias, value, description } of command.flags) {
      declared.option(`${alias ? `-${alias}, ` : ''}--${name}${value ? ` <${value}>` : ''}`, description)
    }
    for (const example of command.examples) declared.example(`  $ rnnkit ${example}`)
  }
  cli.help()
  cli.version(version)
  return cli
}

function keepValuesWhole(words: readonly string[], commands: readonly Command[]): string[] {
  const flags = commands.flatMap((command) => command.flags)
  const named = new Map(flags.flatMap((flag) => [[flag.name, flag] as const, [flag.alias ?? flag.name, flag] as const]))
  const kept: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === '--') return [...kept, ...words.slice(i)]
    const [, dashes, name = '', value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    const flag = named.get(name)
    if (flag?.value === undefined) {
      if (flag && value !== undefined) throw new UsageError(`--${flag.name} takes no value`)
      kept.push(word)
    } else {
      const next = value ?? words[++i]
      if (next === undefined) throw new UsageError(`--${flag.name} needs a value: --${flag.name} <${flag.value}>`)
      kept.push(`${dashes}${name}=${MARK}${next}`)
    }
  }
  return kept
}

function unknownCommand(name: string | undefined, commands: readonly Command[]): string {
  const names = commands.map(nameOf)
  if (name === undefined) return `say what to do: ${names.join(', ')}`
  const nearest = nearestName(name, names)
  return `unknown command ${JSON.stringify(name)}: ${nearest ? `did you mean ${nearest}?` : `there are ${names.join(', ')}`}`
}

function checkFlags(values: Readonly<Record<string, unknown>>, command: Command): void {
  const known = command.flags.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  const camelCased = new Set(known.map(camelCase))
  for (const [key, value] of Object.entries(values)) {
    // cac takes `--no-dry` for `--dry` set to false, whatever is declared.
    if (value === false) throw new UsageError(`${nameOf(command)} has no option --no-${kebabCase(key)}`)
    if (camelCased.has(key)) continue
    const typed = key.length === 1 ? `-${key}` : `--${kebabCase(key)}`
    const nearest = key.length === 1 ? undefined : nearestName(kebabCase(key), known)
    throw new UsageError(`${nameOf(command)} has no option ${typed}${nearest ? `: did you mean --${nearest}?` : ''}`)
  }
}

function checkArguments(given: readonly string[], command: Command): void {
  const wanted = command.usage.match(/<[^>]+>/g) ?? []
  if (given.length < wanted.length)
    throw new UsageError(`${nameOf(command)} needs ${wanted[given.length]}: ${command.usage}`)
  const extra = given[wanted.length]
  if (extra !== undefined && !command.usage.includes('...')) {
    throw new UsageError(`${nameOf(command)} does not take ${JSON.stringify(extra)}: ${command.usage}`)
  }
}

function nameOf(command: Command): string {
  return command.usage.split(' ', 1)[0]!
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
