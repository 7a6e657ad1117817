/** `rnnkit sample`: writes text made by a saved model to stdout, as it comes. */
import { once } from 'node:events'
import { defined } from '../defined.ts'
import { CharModel, type SamplingOptions } from '../index.ts'
import type { Call, Command } from './command-line.ts'
import { DEVICE_FLAGS, deviceOptions } from './device-flags.ts'

export const sample: Command = {
  usage: 'sample <model>',
  description: 'Write text made by a saved model to stdout',
  flags: [
    { name: 'prefix', alias: 'p', value: 'text', description: 'What the text follows; it is written first' },
    { name: 'length', alias: 'n', value: 'n', description: 'New symbols at most' },
    {
      name: 'temperature',
      alias: 't',
      value: 't',
      description: 'Below 1 safer, above 1 bolder; 0 takes the likeliest',
    },
    { name: 'top-k', value: 'k', description: 'Choose among the k likeliest symbols' },
    { name: 'top-p', value: 'p', description: 'Choose among the likeliest symbols that make up this probability' },
    { name: 'min-p', value: 'p', description: 'Leave out symbols less likely than this share of the likeliest' },
    { name: 'greedy', description: 'Always take the likeliest symbol' },
    { name: 'stop', value: 'text', description: 'End before this text' },
    { name: 'context', value: 'kind', description: 'carry: all that came before; window: the last unroll alone' },
    { name: 'seed', value: 'n', description: 'The same seed gives the same text' },
    ...DEVICE_FLAGS,
  ],
  examples: [`sample book.safetensors --prefix 'Call me ' --length 400 --temperature 0.5`],
  run: runSample,
}

async function runSample({ arguments: [file = ''], flags, signal }: Call): Promise<void> {
  const prefix = flags.text('prefix')
  const options: object = defined({
    prefix,
    length: flags.number('length'),
    temperature: flags.number('temperature'),
    topK: flags.number('top-k'),
    topP: flags.number('top-p'),
    minP: flags.number('min-p'),
    greedy: flags.has('greedy') || undefined,
    stop: flags.text('stop'),
    context: flags.text('context'),
    seed: flags.number('seed'),
    signal,
  })
  using model = await CharModel.load(file, deviceOptions(flags))
  // the prefix waits for the first piece, so that an error leaves stdout empty
  let pending = prefix ?? ''
  for await (const piece of model.stream(options as SamplingOptions)) {
    await write(pending + piece)
    pending = ''
  }
  await write(`${pending}\n`)
}

/** Writes to stdout, no faster than its reader reads. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
