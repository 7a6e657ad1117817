/** Weights of Keras and TensorFlow 1 through the public door: the tensors of the reference cases, and what is refused. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readTensors } from '../scripts/reference/safetensors.ts'
import { fromKeras, fromTensorFlow1, type Parameter, RnnKitError } from '../ts/index.ts'

const CASES = join(import.meta.dirname, 'reference/cases')
const KINDS: Record<string, string> = { rnn_tanh: 'rnn', gru: 'gru', lstm: 'lstm' }

/** Zeros. */
function array(...shape: number[]): Parameter {
  return { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) }
}

/** What a case converts, and what must come out. */
function readCase(name: string) {
  const { metadata, tensors } = readTensors(join(CASES, name))
  const named = (prefix: string) =>
    Object.fromEntries(
      [...tensors].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]),
    ) as Record<string, Parameter>
  const hyper = JSON.parse(metadata.hyper!) as { forget_bias?: number }
  return {
    kind: KINDS[metadata.kind!]!,
    flavour: metadata.flavour,
    hyper,
    stored: named('keras.'),
    want: named('expect.'),
  }
}

for (const name of readdirSync(CASES).filter((name) => name.startsWith('convert_'))) {
  test(`${name}: the same tensors as in PyTorch`, (t) => {
    const { kind, flavour, hyper, stored, want } = readCase(name)
    const { kernel, recurrent_kernel: recurrentKernel, bias } = stored
    const got =
      flavour === 'keras'
        ? fromKeras({ kind: kind as 'lstm', kernel: kernel!, recurrentKernel: recurrentKernel!, bias: bias! })
        : fromTensorFlow1({ kind: kind as 'lstm', kernel: kernel!, bias: bias!, forgetBias: hyper.forget_bias! })
    for (const [tensor, value] of Object.entries(got)) t.deepEqual(value, want[`${tensor}_l0`]!, tensor)
    t.is(Object.keys(got).length, 4)
  })
}

test("an LSTM of TensorFlow 1 has a forget bias of 1 unless told, and Keras's has none to add", (t) => {
  const [kernel, bias] = [array(3, 8), array(8)]
  const biasOf = (forgetBias?: number) => [
    ...fromTensorFlow1({ kind: 'lstm', kernel, bias, ...(forgetBias !== undefined && { forgetBias }) }).bias_ih.data,
  ]
  t.deepEqual(biasOf(), [0, 0, 1, 1, 0, 0, 0, 0])
  t.deepEqual(biasOf(2), [0, 0, 2, 2, 0, 0, 0, 0])
  const keras = fromKeras({ kind: 'lstm', kernel: array(1, 8), recurrentKernel: array(2, 8), bias })
  t.deepEqual([...keras.bias_ih.data], Array(8).fill(0))
})

test('a dense kernel is transposed, with the bias that it has or zeros', (t) => {
  const kernel = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }
  const weight = { shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) }
  const bias = { shape: [3], data: Float32Array.of(7, 8, 9) }
  t.deepEqual(fromKeras({ kind: 'dense', kernel, bias }), { weight, bias })
  t.deepEqual(fromTensorFlow1({ kind: 'dense', kernel }), { weight, bias: array(3) })
})

test('what is converted is a copy', (t) => {
  const bias = array(3)
  const converted = fromKeras({ kind: 'dense', kernel: array(2, 3), bias })
  bias.data.fill(1)
  t.deepEqual([...converted.bias.data], [0, 0, 0])
})

const gru = { kind: 'gru', kernel: array(2, 9), recurrentKernel: array(3, 9) }

/** [what refuses, the layer, field, message] */
const REFUSED: [(layer: never) => unknown, object, string, RegExp][] = [
  [fromKeras, { ...gru, resetAfter: false }, 'resetAfter', /cannot be converted: its candidate has W \(r \* h\)/],
  [fromKeras, { ...gru, bias: array(9) }, 'bias', /\[9\].*must be of shape \[2, 9\].*cannot be converted/],
  [fromKeras, { ...gru, bias: array(2, 3) }, 'bias', /\[2, 3\]; it must be of shape \[2, 9\]/],
  [fromKeras, { ...gru, kernel: array(2, 8) }, 'kernel', /must be of shape \[2, 9\]/],
  [fromKeras, { ...gru, recurrentKernel: array(3, 12) }, 'recurrentKernel', /must be of shape \[3, 9\]/],
  [fromKeras, { ...gru, kernel: { shape: [2, 9], data: new Float32Array(3) } }, 'kernel', /as many values/],
  [fromKeras, { ...gru, kernel: { shape: [2.5, 9], data: new Float32Array(3) } }, 'kernel.shape[0]', /whole number/],
  [fromKeras, { ...gru, kernel: { shape: [2, 9], data: [] } }, 'kernel.data', /must be a Float32Array/],
  [fromKeras, { ...gru, kernel: undefined }, 'kernel', /missing/],
  [fromKeras, { ...gru, kind: 'lstm', resetAfter: true }, 'resetAfter', /not an option of kind 'lstm'/],
  [fromKeras, { kind: 'embedding' }, 'kind', /'rnn', 'lstm', 'gru', 'dense'/],
  [
    fromTensorFlow1,
    { kind: 'gru', kernel: array(5, 9), bias: array(9) },
    'kind',
    /'lstm' or 'rnn'.*cannot be converted/,
  ],
  [fromTensorFlow1, { kind: 'lstm', kernel: array(5, 9), bias: array(9) }, 'kernel', /\[I \+ H, 4 \* H\]/],
  [fromTensorFlow1, { kind: 'lstm', kernel: array(3, 8), bias: array(4) }, 'bias', /must be of shape \[8\]/],
  [
    fromTensorFlow1,
    { kind: 'lstm', kernel: array(3, 8), bias: array(8), forgetBias: Number.NaN },
    'forgetBias',
    /finite/,
  ],
]

for (const [convert, layer, field, message] of REFUSED) {
  test(`${convert.name} refuses ${field}: ${message}`, (t) => {
    const error = t.throws(() => convert(layer as never), { instanceOf: RnnKitError })
    t.is(error!.field, field)
    t.regex(error!.message, message)
  })
}
