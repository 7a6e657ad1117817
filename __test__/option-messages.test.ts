/** What the message of a refused option tells: the shape that would do, both ends of a range, both of two values that do not go together. */
import { inspect } from 'node:util'
import test from 'ava'
import { RnnKitError } from '../ts/errors.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'

const refusal = (options: Record<string, unknown>): RnnKitError => {
  try {
    trainCharModelOptions({ corpus: { text: 'a' }, steps: 1, ...options })
  } catch (error) {
    if (error instanceof RnnKitError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
const dense = { kind: 'dense', size: 2 }
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** [options, what the message says] */
const MESSAGES: [Record<string, unknown>, RegExp][] = [
  [{ corpus: 'a.txt' }, /must be \{ files \} or \{ text \}/],
  [{ corpus: { files: [] } }, /is an empty array: it must be an array of at least one path/],
  [{ dropout: 0.5 }, /must be \{ input, recurrent, perGate, output, … \}/],
  [{ dropout: new Map() }, /must be \{ input, recurrent, perGate, output, … \}, as a plain object/],
  [{ dropout: { input: true } }, /dropout\.input is true: it must be a finite number/],
  [
    { dropout: { input: { share: 0.1, mask: 'lane' } } },
    /dropout\.input\.mask is "lane": it must be one of 'step', 'sequence', 'batch'/,
  ],
  [{ dropout: { perGate: true, output: 0.1 } }, /dropout\.perGate is true: it must be false, unless 'recurrent'/],
  [
    { layers: [{ kind: 'batchNorm', size: 4 }] },
    /of kind 'batchNorm': it belongs to 'lstm' and 'gru' and 'rnn' and 'dense'/,
  ],
  [{ bidirectional: true }, /predict is "every-step": it must be 'last-step' with bidirectional layers/],
  [
    { bidirectional: true, predict: 'last-step' },
    /batches\.resetCarry is "epoch": it must be 'batch', or the order 'shuffled'/,
  ],
  [{ batches: { order: 'sampled', resetCarry: 'never' } }, /must be 'batch' in sampled order/],
  [{ optimizer: new Date() }, /as a plain object/],
  [{ vocabulary: 'char' }, /must be \{ unit, minCount, unknown \}/],
  [{ samples: { every: 5 } }, /must be either \{ epochs \} or \{ steps \}/],
  [{ batches: { offset: 3 } }, /must be 0 or 'random'/],
  [{ optimizer: { kind: 'adam', betas: [0.9] } }, /is an array of 1: it must be an array of two numbers/],
  [
    { optimizer: { kind: 'sgd', flavour: 'keras', momentum: 0.9, dampening: 0.5 } },
    /optimizer\.dampening is 0\.5: it must be left out in flavour 'keras': 'pytorch' can have it/,
  ],
  [{ validation: 0.5, test: 0.6 }, /validation is 0\.5 and test is 0\.6/],
  [{ seed: 2 ** 53 }, /from 0 to 9007199254740991/],
  [{ steps: 2 ** 53 }, /from 1 to 9007199254740991/],
  [{ hiddenSize: 0 }, /from 1 to 16384/],
  [{ hiddenSize: 2 ** 40 }, /from 1 to 16384/],
  [{ input: { embedding: -1 } }, /from 1 to 16384/],
  [{ layers: [] }, /is an empty array: it must be a list of 1 to 16 layers/],
  [{ layers: [dense] }, /is an array of 1: it must be a list with at least one layer of kind 'lstm'/],
  [{ cell: { kind: 'lstm', activation: 'relu' } }, /of kind 'lstm': it belongs to 'rnn'/],
  [{ layers: [{ kind: 'gru', size: 2, forgetBias: 1 }] }, /of kind 'gru': it belongs to 'lstm'/],
  [{ layers: 1, dropout: { between: 0.2 } }, /dropout\.head, or more layers/],
  [{ layers: [dense, { kind: 'gru', size: 2 }], dropout: { between: 0.2 } }, /dropout\.head, or more layers/],
  [{ corpus: revoked() }, /could not be read/],
  [{ dropout: revoked() }, /could not be read/],
  [{ optimizer: revoked() }, /could not be read/],
  [{ signal: revoked() }, /must be an AbortSignal/],
]
for (const [options, message] of MESSAGES) {
  const shown = inspect(options, { depth: 3, breakLength: Infinity })
  test(`${shown} is refused with ${message.source}`, (t) => t.regex(refusal(options).message, message))
}

test('an error of a list or of two sources has what was given as its value', (t) => {
  const given = [dense]
  t.is(refusal({ layers: given }).value, given)
  const corpus = { text: 'a', files: ['b'] }
  t.is(refusal({ corpus }).value, corpus)
})

test('options that are a revoked proxy are refused', (t) => {
  t.throws(() => trainCharModelOptions(revoked()), { code: 'ERR_INVALID_OPTION' })
})

test('the name of an optimizer stands for its defaults', (t) => {
  const plan = (optimizer: unknown) => trainCharModelOptions({ corpus: { text: 'a' }, steps: 1, optimizer }).recipe
  t.deepEqual(plan('adamw').optimizer, plan({ kind: 'adamw' }).optimizer)
})
