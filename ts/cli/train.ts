/** `rnnkit train`: trains a model on text files, a new one or one from a file, and saves it. */

import { defined, definedOrNothing } from '../defined.ts'
import {
  CharModel,
  isRnnKitError,
  type Progress,
  type TrainCharModelOptions,
  TrainingError,
  type TrainOptions,
  trainCharModel,
} from '../index.ts'
import { checkOut } from './check-out.ts'
import type { Call, Command, Flags } from './command-line.ts'
import { DEVICE_FLAGS, deviceOptions } from './device-flags.ts'
import { ProgressLine, symbolWord } from './progress-line.ts'
import { UsageError } from './report-error.ts'

export const train: Command = {
  usage: 'train <...files>',
  description: 'Train a model on text files, joined in the order given, and save it',
  flags: [
    { name: 'out', alias: 'o', value: 'file', description: 'Where to save the model (a .safetensors file); required' },
    { name: 'from', value: 'file', description: 'Train this saved model on, instead of a new one' },
    { name: 'epochs', value: 'n', description: 'How often to go through the text; this or --steps is required' },
    { name: 'steps', value: 'n', description: 'How many optimizer steps to take' },
    { name: 'max-seconds', value: 's', description: 'Stop after so many seconds at the latest' },
    { name: 'cell', value: 'kind', description: 'lstm, gru or rnn' },
    { name: 'layers', value: 'n', description: 'Number of recurrent layers' },
    { name: 'hidden-size', value: 'n', description: 'Hidden size of every layer' },
    { name: 'activation', value: 'name', description: 'Of an rnn cell: tanh or relu' },
    { name: 'forget-bias', value: 'b', description: 'Initial bias of the forget gate of an lstm cell' },
    { name: 'embedding', value: 'n', description: 'Size of an embedding; without it symbols enter one-hot' },
    { name: 'predict', value: 'which', description: 'every-step or last-step' },
    { name: 'init', value: 'name', description: 'Initial values: pytorch, keras, xavier, orthogonal or identity' },
    { name: 'bidirectional', description: 'Read each window from its end, too; with --predict last-step' },
    { name: 'dropout', value: 'share', description: 'Dropout between recurrent layers, 0 to below 1' },
    {
      name: 'input-dropout',
      value: 'share',
      description: "Of each recurrent layer's input, one mask for all time steps",
    },
    { name: 'recurrent-dropout', value: 'share', description: 'Of the recurrence, one mask for all time steps' },
    { name: 'per-gate', description: 'A mask for each gate, of those two' },
    { name: 'output-dropout', value: 'share', description: "Of each recurrent layer's output, the last one's too" },
    { name: 'head-dropout', value: 'share', description: 'Dropout before the head, 0 to below 1' },
    { name: 'batches', value: 'order', description: 'consecutive, shuffled, ordered or sampled' },
    { name: 'reset-carry', value: 'when', description: 'Of consecutive batches: never, epoch or batch' },
    { name: 'offset', value: 'which', description: 'Symbols each epoch leaves out first: 0, or random' },
    { name: 'batch-size', value: 'n', description: 'Lanes trained side by side' },
    { name: 'unroll-length', value: 'n', description: 'Time steps that gradients go back' },
    { name: 'optimizer', value: 'kind', description: 'adam, adamw, sgd, rmsprop or adagrad' },
    { name: 'flavour', value: 'library', description: 'Whose form of the optimizer: pytorch, keras or tf1' },
    { name: 'learning-rate', value: 'rate', description: 'Step size of the optimizer' },
    { name: 'momentum', value: 'm', description: 'Momentum of sgd or rmsprop' },
    { name: 'weight-decay', value: 'w', description: 'Weight decay of the optimizer' },
    {
      name: 'schedule',
      value: 'kind',
      description: 'Of the learning rate: constant, cosine, linear, reduceOnPlateau, …',
    },
    { name: 'warmup', value: 'steps', description: 'Steps over which the schedule first rises' },
    { name: 'clip-norm', value: 'norm', description: 'Greatest global norm of the gradients' },
    { name: 'clip-value', value: 'limit', description: 'Greatest size of one gradient, instead of --clip-norm' },
    { name: 'label-smoothing', value: 'share', description: 'Share of each target spread over all symbols' },
    { name: 'validation', value: 'share', description: 'Share of the text, kept apart and scored' },
    { name: 'test', value: 'share', description: 'Last share of the text, scored at the end alone' },
    { name: 'unit', value: 'unit', description: 'What a symbol is: char, grapheme, byte or word' },
    { name: 'min-count', value: 'n', description: 'Symbols that occur less often get no entry of their own' },
    {
      name: 'unknown',
      value: 'policy',
      description: 'What becomes of symbols without an entry: error, skip or symbol',
    },
    { name: 'lowercase', description: 'Turn the text to lower case first' },
    { name: 'invalid', value: 'how', description: 'error, or replace: bytes that are not UTF-8 become U+FFFD' },
    { name: 'newlines', value: 'how', description: 'keep, or space: each line end becomes one space' },
    { name: 'sample-every', value: 'steps', description: 'Write a sample every so many steps' },
    { name: 'sample-prefix', value: 'text', description: 'What those samples follow' },
    { name: 'seed', value: 'n', description: 'The same seed gives the same model' },
    ...DEVICE_FLAGS,
  ],
  examples: [
    'train book.txt --out book.safetensors --epochs 10',
    'train book.txt --out book.safetensors --steps 2000 --cell gru --hidden-size 256 --validation 0.1',
    'train book.txt --from book.safetensors --out book.safetensors --epochs 2',
  ],
  run: runTrain,
}

async function runTrain({ arguments: files, flags, signal }: Call): Promise<void> {
  const out = flags.text('out')
  if (out === undefined) throw new UsageError('train needs --out <file>: where to save the model')
  if ((flags.text('epochs') === undefined) === (flags.text('steps') === undefined)) {
    throw new UsageError('train needs exactly one of --epochs <n> and --steps <n>')
  }
  await checkOut(out)
  const line = new ProgressLine(process.stderr)
  const told = new Set<string>()
  const onProgress = (progress: Progress<CharModel>) => {
    reportDevice(line, progress.model, told)
    report(line, progress)
  }
  const options = { corpus: corpus(files, flags), ...trainingOptions(flags), signal, onProgress }
  try {
    using model = await trained(flags, options).finally(() => line.end())
    await saved(model, out)
  } catch (error) {
    await saveWhatWasLearned(error, out)
    throw error
  }
  process.stdout.write(`${out}\n`)
}

/** What the flags say is text and numbers of any value: the library checks them all, and names the option at fault. */
async function trained(flags: Flags, options: object): Promise<CharModel> {
  const from = flags.text('from')
  const device = deviceOptions(flags)
  if (from === undefined) {
    return await trainCharModel({ ...options, ...modelOptions(flags), ...device } as TrainCharModelOptions)
  }
  const model = await CharModel.load(from, device)
  await model.train({ ...options, ...modelOptions(flags) } as TrainOptions)
  return model
}

/** Should the GPU be lost at this very moment, the model is on the CPU after that, as it was when the training ended. */
async function saved(model: CharModel, out: string): Promise<void> {
  try {
    await model.save(out)
  } catch (error) {
    if (!isRnnKitError(error) || error.code !== 'ERR_DEVICE_LOST') throw error
    await model.save(out)
  }
}

/** What ends a training but leaves a model worth keeping. */
const KEEPING: readonly string[] = ['ERR_ABORTED', 'ERR_DEVICE_LOST', 'ERR_DEVICE_FAILED', 'ERR_MEMORY']

/**
 * Ctrl-C (or SIGTERM), or a GPU that fails, ends the training, not the work: the model goes into the file as its last whole step, or its
 * last snapshot, left it.
 */
async function saveWhatWasLearned(error: unknown, out: string): Promise<void> {
  if (!(error instanceof TrainingError) || !KEEPING.includes(error.code) || error.step === 0) return
  await (error.model as CharModel).save(out)
  process.stderr.write(`saved the ${error.step} steps that were done as ${out}\n`)
}

function corpus(files: readonly string[], flags: Flags): object {
  return defined({
    files,
    invalid: flags.text('invalid'),
    lowercase: flags.has('lowercase') || undefined,
    newlines: flags.text('newlines'),
  })
}

function modelOptions(flags: Flags): object {
  const embedding = flags.number('embedding')
  const ofCell = definedOrNothing({ activation: flags.text('activation'), forgetBias: flags.number('forget-bias') })
  return defined({
    cell: ofCell === undefined ? flags.text('cell') : { kind: flags.text('cell') ?? 'lstm', ...ofCell },
    layers: flags.number('layers'),
    hiddenSize: flags.number('hidden-size'),
    input: embedding === undefined ? undefined : { embedding },
    predict: flags.text('predict'),
    init: flags.text('init'),
    bidirectional: flags.has('bidirectional') || undefined,
    dropout: dropout(flags),
    vocabulary: definedOrNothing({
      unit: flags.text('unit'),
      minCount: flags.number('min-count'),
      unknown: flags.text('unknown'),
    }),
  })
}

function dropout(flags: Flags): object | undefined {
  return definedOrNothing({
    input: flags.number('input-dropout'),
    recurrent: flags.number('recurrent-dropout'),
    perGate: flags.has('per-gate') || undefined,
    output: flags.number('output-dropout'),
    between: flags.number('dropout'),
    head: flags.number('head-dropout'),
  })
}

function trainingOptions(flags: Flags): object {
  return defined({
    epochs: flags.number('epochs'),
    steps: flags.number('steps'),
    maxSeconds: flags.number('max-seconds'),
    batches: batches(flags),
    batchSize: flags.number('batch-size'),
    unrollLength: flags.number('unroll-length'),
    optimizer: withKind(flags.text('optimizer'), 'adam', {
      flavour: flags.text('flavour'),
      learningRate: flags.number('learning-rate'),
      momentum: flags.number('momentum'),
      weightDecay: flags.number('weight-decay'),
    }),
    schedule: withKind(flags.text('schedule'), 'constant', { warmup: flags.number('warmup') }),
    clip: definedOrNothing({ norm: flags.number('clip-norm'), value: flags.number('clip-value') }),
    loss: definedOrNothing({ labelSmoothing: flags.number('label-smoothing') }),
    validation: flags.number('validation'),
    test: flags.number('test'),
    samples: samples(flags),
    seed: flags.number('seed'),
  })
}

function batches(flags: Flags): object | string | undefined {
  const order = flags.text('batches')
  const offset = flags.text('offset')
  const others = definedOrNothing({ offset: offset === '0' ? 0 : offset, resetCarry: flags.text('reset-carry') })
  return others === undefined ? order : defined({ order, ...others })
}

/** `{ kind, … }`, or nothing if no flag says anything of it. */
function withKind(kind: string | undefined, usual: string, others: object): object | undefined {
  const given = definedOrNothing({ kind, ...others })
  return given && { kind: usual, ...given }
}

function samples(flags: Flags): object | undefined {
  const steps = flags.number('sample-every')
  const prefix = flags.text('sample-prefix')
  if (steps === undefined && prefix === undefined) return undefined
  if (steps === undefined) throw new UsageError('--sample-prefix needs --sample-every <steps>')
  return defined({ every: { steps }, prefixes: prefix === undefined ? undefined : [prefix] })
}

/** Says where the training runs, once for each device it comes to. */
function reportDevice(line: ProgressLine, { device }: CharModel, told: Set<string>): void {
  const { description, reason } = device
  if (told.has(description)) return
  told.add(description)
  line.note(`device: ${description} (${reason})`)
}

function report(line: ProgressLine, progress: Progress<CharModel>): void {
  const { validation, samples, model } = progress
  line.show(progress, validation !== undefined || samples !== undefined)
  if (validation) {
    const { perplexity, bitsPerChar } = validation
    const bits = `${bitsPerChar.toFixed(3)} bits/${symbolWord(model.unit)}`
    line.note(`validation perplexity ${perplexity.toFixed(3)}, ${bits}`)
  }
  for (const { prefix, text } of samples ?? []) line.note(`--- ${prefix}${text}`)
}
