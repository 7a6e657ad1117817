/** `rnnkit train`: trains a model on text files and saves it. */
import { type Progress, type TrainCharModelOptions, trainCharModel } from '../index.ts'
import type { Call, Command, Flags } from './command-line.ts'
import { defined, definedOrNothing } from './defined.ts'
import { ProgressLine } from './progress-line.ts'
import { UsageError } from './report-error.ts'

export const train: Command = {
  usage: 'train <...files>',
  description: 'Train a model on text files, joined in the order given, and save it',
  flags: [
    { name: 'out', alias: 'o', value: 'file', description: 'Where to save the model (a .safetensors file); required' },
    { name: 'epochs', value: 'n', description: 'How often to go through the text; this or --steps is required' },
    { name: 'steps', value: 'n', description: 'How many optimizer steps to take' },
    { name: 'max-seconds', value: 's', description: 'Stop after so many seconds at the latest' },
    { name: 'cell', value: 'kind', description: 'lstm, gru or rnn' },
    { name: 'layers', value: 'n', description: 'Number of recurrent layers' },
    { name: 'hidden', value: 'n', description: 'Hidden size of every layer' },
    { name: 'embedding', value: 'n', description: 'Size of an embedding; without it symbols enter one-hot' },
    { name: 'predict', value: 'which', description: 'every-step or last-step' },
    { name: 'init', value: 'name', description: 'Initial values: pytorch, keras, xavier, orthogonal or identity' },
    { name: 'dropout', value: 'share', description: 'Dropout between recurrent layers, 0 to below 1' },
    { name: 'head-dropout', value: 'share', description: 'Dropout before the head, 0 to below 1' },
    { name: 'batches', value: 'order', description: 'consecutive, shuffled, ordered or sampled' },
    { name: 'batch-size', value: 'n', description: 'Lanes trained side by side' },
    { name: 'unroll', value: 'n', description: 'Time steps that gradients go back' },
    { name: 'optimizer', value: 'kind', description: 'adam, adamw, sgd, rmsprop or adagrad' },
    { name: 'learning-rate', value: 'rate', description: 'Step size of the optimizer' },
    { name: 'clip', value: 'norm', description: 'Greatest global norm of the gradients' },
    { name: 'validation', value: 'share', description: 'Last share of the text, kept apart and scored' },
    { name: 'unit', value: 'unit', description: 'What a symbol is: char, grapheme, byte or word' },
    { name: 'min-count', value: 'n', description: 'Symbols that occur less often get no entry of their own' },
    {
      name: 'unknown',
      value: 'policy',
      description: 'What becomes of symbols without an entry: error, skip or symbol',
    },
    { name: 'lowercase', description: 'Turn the text to lower case first' },
    { name: 'newlines', value: 'how', description: 'keep, or space: each line end becomes one space' },
    { name: 'sample-every', value: 'steps', description: 'Write a sample every so many steps' },
    { name: 'sample-prefix', value: 'text', description: 'What those samples follow' },
    { name: 'seed', value: 'n', description: 'The same seed gives the same model' },
    { name: 'threads', value: 'n', description: 'Processor threads; the result does not depend on it' },
    { name: 'device', value: 'name', description: 'auto, cpu or reference' },
  ],
  examples: [
    'train book.txt --out book.safetensors --epochs 10',
    'train book.txt --out book.safetensors --steps 2000 --cell gru --hidden 256 --validation 0.1',
  ],
  run: runTrain,
}

async function runTrain({ arguments: files, flags, signal }: Call): Promise<void> {
  const out = flags.text('out')
  if (out === undefined) throw new UsageError('train needs --out <file>: where to save the model')
  if ((flags.text('epochs') === undefined) === (flags.text('steps') === undefined)) {
    throw new UsageError('train needs exactly one of --epochs <n> and --steps <n>')
  }
  const line = new ProgressLine(process.stderr)
  const onProgress = (progress: Progress) => report(line, progress)
  const options: object = {
    corpus: corpus(files, flags),
    ...trainingOptions(flags),
    ...modelOptions(flags),
    signal,
    onProgress,
  }
  // what the flags say is text and numbers of any value: the library checks them all, and names the option at fault
  using model = await trainCharModel(options as TrainCharModelOptions).finally(() => line.end())
  await model.save(out)
  process.stdout.write(`${out}\n`)
}

function corpus(files: readonly string[], flags: Flags): object {
  return defined({ files, lowercase: flags.has('lowercase') || undefined, newlines: flags.text('newlines') })
}

function modelOptions(flags: Flags): object {
  const embedding = flags.number('embedding')
  return defined({
    cell: flags.text('cell'),
    layers: flags.number('layers'),
    hiddenSize: flags.number('hidden'),
    input: embedding === undefined ? undefined : { embedding },
    predict: flags.text('predict'),
    init: flags.text('init'),
    dropout: definedOrNothing({ between: flags.number('dropout'), head: flags.number('head-dropout') }),
    vocabulary: definedOrNothing({
      unit: flags.text('unit'),
      minCount: flags.number('min-count'),
      unknown: flags.text('unknown'),
    }),
  })
}

function trainingOptions(flags: Flags): object {
  const kind = flags.text('optimizer')
  const learningRate = flags.number('learning-rate')
  const norm = flags.number('clip')
  const steps = flags.number('sample-every')
  const prefix = flags.text('sample-prefix')
  return defined({
    epochs: flags.number('epochs'),
    steps: flags.number('steps'),
    maxSeconds: flags.number('max-seconds'),
    batches: flags.text('batches'),
    batchSize: flags.number('batch-size'),
    unrollLength: flags.number('unroll'),
    optimizer:
      kind === undefined && learningRate === undefined ? undefined : defined({ kind: kind ?? 'adam', learningRate }),
    clip: norm === undefined ? undefined : { norm },
    validation: flags.number('validation'),
    samples:
      steps === undefined
        ? undefined
        : defined({ every: { steps }, prefixes: prefix === undefined ? undefined : [prefix] }),
    seed: flags.number('seed'),
    threads: flags.number('threads'),
    device: flags.text('device'),
  })
}

function report(line: ProgressLine, progress: Progress): void {
  const { validation, samples } = progress
  line.show(progress, validation !== undefined || samples !== undefined)
  if (validation) {
    line.note(
      `validation perplexity ${validation.perplexity.toFixed(3)}, ${validation.bitsPerChar.toFixed(3)} bits/char`,
    )
  }
  for (const { prefix, text } of samples ?? []) line.note(`--- ${prefix}${text}`)
}
