import test, { type ExecutionContext } from 'ava'
import { type ErrorCode, RnnKitError } from '../ts/errors.ts'
import {
  boolean,
  callback,
  describe,
  integer,
  oneOf,
  optional,
  real,
  record,
  text,
  variant,
} from '../ts/options/check.ts'

function throwsCode(t: ExecutionContext, run: () => unknown, code: ErrorCode, field: string): RnnKitError {
  const error = t.throws(run, { instanceOf: RnnKitError })
  t.is(error.code, code)
  t.is(error.field, field)
  t.true(error.message.includes(field), error.message)
  return error
}

test('an integer is refused unless whole, safe and in range', (t) => {
  t.is(integer('n', 5, { min: 1, max: 5 }), 5)
  t.true(Object.is(integer('n', -0), 0))
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1.5, 6, 2 ** 53, '5', 5n, null, {}, [], true]) {
    const error = throwsCode(t, () => integer('n', bad, { min: 1, max: 5 }), 'ERR_INVALID_OPTION', 'n')
    t.is(error.value, bad)
    t.true(error.message.endsWith('it must be a whole number from 1 to 5'), error.message)
  }
  throwsCode(t, () => integer('n', undefined), 'ERR_MISSING_OPTION', 'n')
})

test('a real number is refused unless finite and in range, ends taken or left as said', (t) => {
  t.is(real('p', 0, { min: 0, exclusiveMax: 1 }), 0)
  t.is(real('p', 1, { exclusiveMin: 0, max: 1 }), 1)
  throwsCode(t, () => real('p', 1, { min: 0, exclusiveMax: 1 }), 'ERR_INVALID_OPTION', 'p')
  throwsCode(t, () => real('p', 0, { exclusiveMin: 0, max: 1 }), 'ERR_INVALID_OPTION', 'p')
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY, '1', 1n, null]) {
    throwsCode(t, () => real('p', bad), 'ERR_INVALID_OPTION', 'p')
  }
})

test('a wrong name is answered with the nearest one', (t) => {
  t.is(oneOf('cell', 'gru', ['rnn', 'gru', 'lstm']), 'gru')
  const error = throwsCode(t, () => oneOf('cell', 'lstn', ['rnn', 'gru', 'lstm']), 'ERR_INVALID_OPTION', 'cell')
  t.true(error.message.includes("did you mean 'lstm'?"), error.message)
})

test('booleans and callbacks are not coerced', (t) => {
  t.true(boolean('b', true))
  t.is(callback('f', Math.max), Math.max)
  throwsCode(t, () => boolean('b', 1), 'ERR_INVALID_OPTION', 'b')
  throwsCode(t, () => callback('f', 'x'), 'ERR_INVALID_OPTION', 'f')
})

test('text with half a surrogate pair is refused with its index', (t) => {
  t.is(text('s', 'a😀'), 'a😀')
  t.is(throwsCode(t, () => text('s', 'a😀\ud83d!'), 'ERR_LONE_SURROGATE', 's').position, 3)
  t.is(throwsCode(t, () => text('s', '\ude00'), 'ERR_LONE_SURROGATE', 's').position, 0)
})

test('leaving out is undefined, null is a value', (t) => {
  t.is(
    optional(undefined, () => t.fail()),
    undefined,
  )
  throwsCode(t, () => optional(null, (v) => integer('n', v)), 'ERR_INVALID_OPTION', 'n')
})

test('an unknown key is refused with the nearest known one, at any depth', (t) => {
  const error = throwsCode(
    t,
    () => record('optimizer', { learningrate: 1 }, ['kind', 'learningRate']),
    'ERR_UNKNOWN_OPTION',
    'optimizer.learningrate',
  )
  t.true(error.message.includes('did you mean optimizer.learningRate?'), error.message)
  throwsCode(t, () => record('', { zzz: undefined }, ['seed']), 'ERR_UNKNOWN_OPTION', 'zzz')
})

test('a record takes own properties only, reads each once and leaves undefined out', (t) => {
  let reads = 0
  const given = Object.create({ seed: 1 })
  Object.defineProperty(given, 'steps', { enumerable: true, get: () => ++reads })
  given.epochs = undefined
  const copy = record('', given, ['seed', 'steps', 'epochs'])
  t.deepEqual([copy.seed, copy.steps, copy.steps, 'epochs' in copy, reads], [undefined, 1, 1, false, 1])
})

test('the kind decides which other keys are known', (t) => {
  const kinds = { sgd: ['momentum'], adam: ['betas', 'epsilon'], plain: [] } as const
  const parse = (value: unknown) => variant('optimizer', value, kinds)
  t.like(parse('adam'), { kind: 'adam', given: {} })
  t.like(parse({ kind: 'sgd', momentum: 0.9 }), { kind: 'sgd', given: { momentum: 0.9 } })
  const wrong = throwsCode(t, () => parse({ kind: 'sgd', betas: [] }), 'ERR_UNKNOWN_OPTION', 'optimizer.betas')
  t.true(wrong.message.includes("of kind 'sgd': known are momentum"), wrong.message)
  throwsCode(t, () => parse({ kind: 'plain', x: 1 }), 'ERR_UNKNOWN_OPTION', 'optimizer.x')
  throwsCode(t, () => parse({ kind: 'adm' }), 'ERR_INVALID_OPTION', 'optimizer.kind')
  throwsCode(t, () => parse({}), 'ERR_MISSING_OPTION', 'optimizer.kind')
  throwsCode(t, () => parse('toString'), 'ERR_INVALID_OPTION', 'optimizer')
  throwsCode(t, () => parse(3), 'ERR_INVALID_OPTION', 'optimizer')
})

test('a __proto__ key of parsed JSON is an unknown option', (t) => {
  throwsCode(t, () => record('', JSON.parse('{"__proto__": {}}'), ['seed']), 'ERR_UNKNOWN_OPTION', '__proto__')
})

test('a getter or proxy that throws is a typed error that keeps the cause', (t) => {
  const cause = new Error('no')
  const fail = () => {
    throw cause
  }
  const getter = Object.defineProperty({}, 'seed', { enumerable: true, get: fail })
  t.is(throwsCode(t, () => record('', getter, ['seed']), 'ERR_INVALID_OPTION', 'seed').cause, cause)
  const proxy = new Proxy({}, { ownKeys: fail })
  t.is(throwsCode(t, () => record('cell', proxy, ['kind']), 'ERR_INVALID_OPTION', 'cell').cause, cause)
})

test('only objects are records', (t) => {
  for (const bad of [null, [], 'x', 3, () => 1])
    throwsCode(t, () => record('cell', bad, []), 'ERR_INVALID_OPTION', 'cell')
})

test('a value is described in few words', (t) => {
  t.deepEqual(
    ['x'.repeat(1000), 5n, 10n ** 1000n, null, [1], {}, Symbol('s'), -0.5].map((value) => describe(value).length < 70),
    Array(8).fill(true),
  )
})
