import test from 'ava'
import { compareCase, compareTensor } from '../scripts/reference/compare.ts'
import type { Tensor } from '../scripts/reference/safetensors.ts'

const TOLERANCE = { rtol: 1e-4, atol: 1e-5 }
const reals = (...values: number[]): Tensor => ({ shape: [values.length], data: Float32Array.from(values) })
const integers = (...values: number[]): Tensor => ({ shape: [values.length], data: Int32Array.from(values) })

test('a real number may be off by a share of itself and of the largest', (t) => {
  t.is(compareTensor('x', reals(1, 1000.09), reals(1, 1000), TOLERANCE), undefined)
  t.is(compareTensor('x', reals(0.009, 1000), reals(0, 1000), TOLERANCE), undefined)
  t.is(
    compareTensor('x', reals(1, 1001, 1000.2), reals(1, 1000, 1000), TOLERANCE),
    'x[1]: got 1001, want 1000; largest difference 1.000e+0',
  )
  t.truthy(compareTensor('x', reals(0.02, 1000), reals(0, 1000), TOLERANCE))
})

test('a factor widens the tolerance of real numbers, not of integers', (t) => {
  const reference = (want: Tensor) => ({ metadata: { rtol: '1e-4' }, tensors: new Map([['expect.x', want]]) })
  const offBySome = new Map([['expect.x', reals(1000.8)]])
  t.is(compareCase(reference(reals(1000)), offBySome).length, 1)
  t.deepEqual(compareCase(reference(reals(1000)), offBySome, 10), [])
  t.is(compareCase(reference(reals(998)), offBySome, 10).length, 1)
  t.is(compareCase(reference(integers(1000)), new Map([['expect.x', integers(1001)]]), 1000).length, 1)
})

test('integers are compared exactly, whatever the tolerance', (t) => {
  t.is(compareTensor('x', integers(100_000, 2), integers(100_000, 2), TOLERANCE), undefined)
  t.truthy(compareTensor('x', integers(100_001, 2), integers(100_000, 2), TOLERANCE))
})

test('NaN equals NaN only, an infinity itself only, and neither widens the tolerance of others', (t) => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number
  t.is(compareTensor('x', reals(nan, infinity), reals(nan, infinity), TOLERANCE), undefined)
  for (const [got, want] of [
    [nan, 1],
    [1, nan],
    [infinity, 1],
    [1, infinity],
    [-infinity, infinity],
  ] as const) {
    t.truthy(compareTensor('x', reals(got), reals(want), TOLERANCE), `${got} against ${want}`)
  }
  t.truthy(compareTensor('x', reals(infinity, 2), reals(infinity, 1), TOLERANCE))
})

test('a shape must be the same', (t) => {
  const column: Tensor = { shape: [2, 1], data: Float32Array.of(1, 2) }
  t.is(compareTensor('x', column, reals(1, 2), TOLERANCE), 'x has the shape [2,1]; want [2]')
})

test('optional tensors may be missing, others not, and an optional one that is there must be right', (t) => {
  const tensors = new Map([
    ['input.x', reals(9)],
    ['expect.state.sum', reals(1)],
    ['expect.loss', reals(2)],
  ])
  const reference = { metadata: { optional: 'expect.state.' }, tensors }
  t.deepEqual(compareCase(reference, new Map([['expect.loss', reals(2)]])), [])
  t.deepEqual(compareCase(reference, new Map([['expect.state.sum', reals(1)]])), ['expect.loss was not computed'])
  const wrong = new Map([
    ['expect.loss', reals(2)],
    ['expect.state.sum', reals(3)],
  ])
  t.is(compareCase(reference, wrong).length, 1)
})

test('of alternatives one whole group must be met', (t) => {
  const tensors = new Map([
    ['expect.a.x', reals(1)],
    ['expect.a.y', reals(2)],
    ['expect.b.x', reals(3)],
  ])
  const reference = { metadata: { alternatives: 'expect.a.,expect.b.' }, tensors }
  t.deepEqual(compareCase(reference, new Map([['expect.b.x', reals(3)]])), [])
  t.is(compareCase(reference, new Map([['expect.a.x', reals(1)]])).length, 2)
})

test('a case without answers cannot pass', (t) => {
  t.is(compareCase({ metadata: {}, tensors: new Map([['input.x', reals(1)]]) }, new Map()).length, 1)
})
