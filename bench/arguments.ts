/** The bench's command line: which workloads, on which device, in which words the results. */
import { parseArgs } from 'node:util'
import type { Setting } from './setting.ts'
import { UNSUPPORTED, WORKLOADS } from './workloads.ts'

export interface BenchArguments {
  readonly ids: readonly string[]
  readonly setting: Setting
  /** JSON lines instead of a table. */
  readonly json: boolean
  /** File of another program's lines, to be shown beside. */
  readonly peer: string | undefined
}

/** @throws an error that names the argument, its value and what would do */
export function readArguments(words: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      device: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '5' },
      precision: { type: 'string' },
      adapter: { type: 'string' },
      form: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      peer: { type: 'string' },
    },
  })
  const device = oneOf('device', values.device, ['cpu', 'gpu'])
  for (const name of ['precision', 'adapter', 'form'] as const) {
    if (device === 'cpu' && values[name] !== undefined) {
      throw new Error(`--${name} ${values[name]} is for a GPU: give --device gpu with it`)
    }
  }
  if (values.json && values.peer !== undefined) throw new Error('--peer is for the table: leave out --json')
  const setting: Setting = {
    device,
    threads: threadCount(values.threads),
    seconds: duration(values.seconds),
    precision: oneOf('precision', values.precision ?? 'f32', ['f32', 'f16']),
    adapter: values.adapter ?? null,
    form: values.form === undefined ? null : oneOf('form', values.form, ['step', 'resident']),
    quick: values.quick,
  }
  return { ids: workloadIds(positionals), setting, json: values.json, peer: values.peer }
}

/** Those named, all when none is. */
export function workloadIds(named: readonly string[]): string[] {
  for (const id of named) {
    if (UNSUPPORTED.includes(id)) throw new Error(`${id} has real-valued input, which cannot be trained yet`)
    if (!WORKLOADS.has(id))
      throw new Error(`there is no workload ${id}: choose among ${[...WORKLOADS.keys()].join(', ')}`)
  }
  return named.length > 0 ? [...named] : [...WORKLOADS.keys()]
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

function threadCount(given: string): number {
  const threads = Number(given)
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads must be a whole number from 1, not ${given}`)
  return threads
}
