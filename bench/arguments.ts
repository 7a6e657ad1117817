/** The bench's command line: what is measured, on which device, beside whom, in which words the results. */
import { parseArgs } from 'node:util'
import type { Setting } from './setting.ts'
import { PEER_PROGRAMS, type PeerName } from './versus/peer-programs.ts'
import { SAMPLED, WORKLOADS } from './workloads/list.ts'

/** What is to be measured of the work list. */
export interface Wanted {
  /** Workloads that are trained. */
  readonly ids: readonly string[]
  /** Workloads whose models write. */
  readonly sampled: readonly string[]
}

interface Output {
  /** JSON lines instead of a table. */
  readonly json: boolean
}

export interface ListArguments extends Output {
  readonly command: 'list'
  readonly wanted: Wanted
  readonly setting: Setting
  /** File of another program's lines, to be shown beside. */
  readonly peer: string | undefined
}

export interface VersusArguments extends Output {
  readonly command: 'versus'
  readonly wanted: Wanted
  readonly setting: Setting
  readonly versus: PeerName
  readonly rounds: number
  /** The peer's Python; `undefined` = that of the folder in RNNKIT_PEERS. */
  readonly python: string | undefined
}

export interface StartArguments extends Output {
  readonly command: 'start'
  readonly rounds: number
  readonly threads: number
}

export interface ScalingArguments extends Output {
  readonly command: 'scaling'
  readonly setting: Setting
  /** How often each point is measured; the shortest time counts. */
  readonly rounds: number
}

export interface MemoryArguments extends Output {
  readonly command: 'memory'
  readonly setting: Setting
  /** Steps at the end. */
  readonly steps: number
}

export type BenchArguments = ListArguments | VersusArguments | StartArguments | ScalingArguments | MemoryArguments

const OPTIONS = {
  device: { type: 'string', default: 'cpu' },
  threads: { type: 'string', default: '2' },
  seconds: { type: 'string' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  form: { type: 'string' },
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  peer: { type: 'string' },
  vs: { type: 'string' },
  rounds: { type: 'string' },
  python: { type: 'string' },
  steps: { type: 'string' },
} as const

type Values = ReturnType<typeof parsed>['values']

/** Measurements that take no workloads. */
const OTHERS = ['start', 'scaling', 'memory'] as const
/** Options that belong to some measurements only. */
const BELONGS: { readonly [Option in keyof Values]?: readonly BenchArguments['command'][] } = {
  peer: ['list'],
  python: ['versus'],
  rounds: ['versus', 'start', 'scaling'],
  steps: ['memory'],
  seconds: ['list', 'versus', 'scaling'],
}
/** The same in the words of the command line. */
const COMMANDS = { list: 'the work list', versus: '--vs', start: 'start', scaling: 'scaling', memory: 'memory' }
/** Rounds of `start` at least, of which the medians count. */
const LEAST_STARTS = 10
/** Steps of `memory` after which the memory is compared with that at the end. */
export const SETTLED_STEPS = 1000

/** @throws an error that names the argument, its value and what would do */
export function readArguments(words: readonly string[]): BenchArguments {
  const { values, positionals } = parsed(words)
  const command = commandOf(positionals, values)
  refuseForeign(command, values)
  const { json } = values
  switch (command) {
    case 'list':
      if (json && values.peer !== undefined) throw new Error('--peer is for the table: leave out --json')
      return { command, wanted: wantedOf(positionals), setting: settingOf(values), json, peer: values.peer }
    case 'versus':
      return versusArguments(positionals, values)
    case 'start': {
      const rounds = wholeNumber('rounds', values.rounds ?? '20', LEAST_STARTS)
      return { command, rounds, threads: wholeNumber('threads', values.threads, 1), json }
    }
    case 'scaling':
      return { command, setting: settingOf(values, '1'), rounds: wholeNumber('rounds', values.rounds ?? '2', 1), json }
    case 'memory': {
      const steps = wholeNumber('steps', values.steps ?? '10000', SETTLED_STEPS + 1)
      return { command, setting: settingOf(values), steps, json }
    }
  }
}

function parsed(words: readonly string[]) {
  return parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS })
}

function commandOf(positionals: readonly string[], values: Values): BenchArguments['command'] {
  const other = OTHERS.find((name) => positionals.includes(name))
  if (other === undefined) return values.vs === undefined ? 'list' : 'versus'
  const beside = positionals.find((word) => word !== other)
  if (beside !== undefined) throw new Error(`${beside} cannot stand beside ${other}, which is a measurement of its own`)
  return other
}

function refuseForeign(command: BenchArguments['command'], values: Values): void {
  for (const [option, homes] of Object.entries(BELONGS)) {
    const given = values[option as keyof Values]
    if (given === undefined || homes.includes(command)) continue
    const names = homes.map((home) => COMMANDS[home]).join(' and ')
    throw new Error(`--${option} ${given} is for ${names}, not for ${COMMANDS[command]}: leave it out`)
  }
  if (values.vs !== undefined && command !== 'versus') {
    throw new Error(`--vs ${values.vs} compares workloads, not ${COMMANDS[command]}: leave it out`)
  }
}

function versusArguments(positionals: readonly string[], values: Values): VersusArguments {
  const names = Object.keys(PEER_PROGRAMS) as PeerName[]
  const versus = oneOf('vs', values.vs!, names)
  if (values.device !== 'cpu') throw new Error(`--device ${values.device} is not for --vs: peers run on the CPU`)
  const { workloads, python } = PEER_PROGRAMS[versus]
  const wanted = positionals.length === 0 ? { ids: workloads, sampled: [] } : wantedOf(positionals)
  const able = PEER_PROGRAMS[versus].sampled
  for (const id of wanted.ids) {
    if (!workloads.includes(id)) throw new Error(`${versus} cannot run ${id}: choose among ${workloads.join(', ')}`)
  }
  if (wanted.sampled.length > 0 && able.length === 0) throw new Error(`${versus} has no sampling to compare`)
  if (values.python !== undefined && python === undefined) {
    throw new Error(`--python ${values.python} is for peers in Python, and ${versus} is none: leave it out`)
  }
  return {
    command: 'versus',
    wanted: { ...wanted, sampled: wanted.sampled.filter((id) => able.includes(id)) },
    setting: settingOf(values),
    versus,
    rounds: wholeNumber('rounds', values.rounds ?? '2', 1),
    python: values.python,
    json: values.json,
  }
}

/** @param seconds where none are given */
function settingOf(values: Values, seconds = '5'): Setting {
  const device = oneOf('device', values.device, ['cpu', 'gpu'])
  for (const name of ['adapter', 'form'] as const) {
    if (device === 'cpu' && values[name] !== undefined) {
      throw new Error(`--${name} ${values[name]} is for a GPU: give --device gpu with it`)
    }
  }
  return {
    device,
    threads: wholeNumber('threads', values.threads, 1),
    seconds: duration(values.seconds ?? seconds),
    precision: oneOf('precision', values.precision ?? 'f32', device === 'cpu' ? ['f32', 'bf16'] : ['f32', 'f16']),
    adapter: values.adapter ?? null,
    form: values.form === undefined ? null : oneOf('form', values.form, ['step', 'resident']),
    quick: values.quick,
  }
}

/** Those named, and with `sample` what writes; all workloads when nothing is. */
export function wantedOf(named: readonly string[]): Wanted {
  const ids = named.filter((word) => word !== 'sample')
  for (const id of ids) {
    if (WORKLOADS.has(id)) continue
    const others = ['sample', ...OTHERS].join(', ')
    throw new Error(`there is no workload ${id}: choose among ${[...WORKLOADS.keys()].join(', ')}, or ${others}`)
  }
  return { ids: named.length > 0 ? ids : [...WORKLOADS.keys()], sampled: ids.length < named.length ? SAMPLED : [] }
}

export function duration(given: string): number {
  const seconds = Number(given)
  if (!(seconds > 0 && seconds < 3600)) throw new Error(`--seconds must be between 0 and 3600, not ${given}`)
  return seconds
}

export function oneOf<const Word extends string>(name: string, given: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === given)
  if (word === undefined) throw new Error(`--${name} must be ${words.join(' or ')}, not ${given}`)
  return word
}

function wholeNumber(name: string, given: string, least: number): number {
  const number = Number(given)
  if (!Number.isInteger(number) || number < least)
    throw new Error(`--${name} must be a whole number from ${least}, not ${given}`)
  return number
}
