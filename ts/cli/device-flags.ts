/** The flags that say where a model's work is done, the same for every command that works with one. */
import { defined } from '../defined.ts'
import type { LoadOptions } from '../index.ts'
import type { Flag, Flags } from './command-line.ts'

export const DEVICE_FLAGS: readonly Flag[] = [
  { name: 'threads', value: 'n', description: 'Processor threads; the result does not depend on it' },
  { name: 'device', value: 'name', description: 'auto, cpu or reference' },
]

/** What is given may be any text or number: the library checks it. */
export function deviceOptions(flags: Flags): LoadOptions {
  return defined({ threads: flags.number('threads'), device: flags.text('device') }) as LoadOptions
}
