/** The flags that say where a model's work is done, the same for every command that works with one. */
import { defined } from '../defined.ts'
import type { LoadOptions } from '../index.ts'
import type { Flag, Flags } from './command-line.ts'

export const DEVICE_FLAGS: readonly Flag[] = [
  { name: 'threads', value: 'n', description: 'Processor threads; the result does not depend on it' },
  { name: 'device', value: 'name', description: 'auto, cpu, gpu or reference' },
  { name: 'adapter', value: 'name', description: 'Which GPU: its number in `rnnkit devices`, or a part of its name' },
  { name: 'precision', value: 'kind', description: 'Of packed weights: f32, bf16 on the CPU, f16 on a GPU' },
  { name: 'form', value: 'form', description: 'How recurrent layers run on a GPU: step or resident' },
  { name: 'on-device-lost', value: 'what', description: 'When a GPU is lost: cpu goes on there, error stops' },
]

/** What is given may be any text or number: the library checks it. */
export function deviceOptions(flags: Flags): LoadOptions {
  return defined({
    threads: flags.number('threads'),
    device: flags.text('device'),
    adapter: flags.text('adapter'),
    precision: flags.text('precision'),
    form: flags.text('form'),
    onDeviceLost: flags.text('on-device-lost'),
  }) as LoadOptions
}
