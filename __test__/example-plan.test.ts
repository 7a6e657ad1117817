import test from 'ava'
import { createExamplePlan, type ExampleOrder, examplesAsWindows } from '../ts/batches/examples.ts'
import { RnnKitError } from '../ts/index.ts'

const EXAMPLES = { time: 4, starts: Uint32Array.of(0, 4, 8, 12, 16, 20, 24), lengths: undefined }
const planOf = (order: ExampleOrder, lanes = 3, seed = 1) => createExamplePlan(EXAMPLES, { order, lanes, seed })

test('an epoch in order has every example once, and lanes without one are empty', (t) => {
  const plan = planOf('ordered')
  t.is(plan.windowsIn(0), 3)
  t.deepEqual(plan.windows(0, 0, 3), {
    starts: Uint32Array.of(0, 4, 8, 12, 16, 20, 24, 0, 0),
    resets: new Uint8Array(9).fill(1),
    lengths: Uint32Array.of(4, 4, 4, 4, 4, 4, 4, 0, 0),
  })
  t.is(plan.windows(0, 0, 2).lengths, undefined, 'full batches of full examples need no lengths')
})

test('a shuffled epoch has every example once, in an order of its own', (t) => {
  const plan = planOf('shuffled')
  const startsIn = (epoch: number) => [...plan.windows(epoch, 0, 3).starts.subarray(0, 7)]
  for (const epoch of [0, 1, 2])
    t.deepEqual(
      startsIn(epoch).toSorted((a, b) => a - b),
      [...EXAMPLES.starts],
    )
  t.notDeepEqual(startsIn(0), startsIn(1))
  t.deepEqual(startsIn(1), [...planOf('shuffled').windows(1, 0, 3).starts.subarray(0, 7)], 'the seed alone decides')
})

test('windows asked for one by one are those of the epoch', (t) => {
  for (const order of ['ordered', 'shuffled', 'sampled'] as const) {
    const all = planOf(order).windows(3, 0, 3)
    const one = planOf(order).window(3, 1)
    t.deepEqual(one.starts, all.starts.slice(3, 6), order)
  }
})

test('sampled batches are always full, and draw with replacement', (t) => {
  const drawn = Array.from({ length: 50 }, (_, epoch) => planOf('sampled').windows(epoch, 0, 3))
  t.true(drawn.every(({ lengths }) => lengths === undefined))
  const found = new Set(drawn.flatMap(({ starts }) => [...starts]))
  t.deepEqual(
    [...found].toSorted((a, b) => a - b),
    [...EXAMPLES.starts],
  )
})

test('the lengths of examples go along', (t) => {
  const examples = { ...EXAMPLES, lengths: Uint32Array.of(1, 2, 3, 4, 1, 2, 3) }
  const { starts, lengths } = examplesAsWindows(examples, 3, (lane) => [6, undefined, 1][lane])
  t.deepEqual([starts, lengths], [Uint32Array.of(24, 0, 4), Uint32Array.of(3, 0, 2)])
})

test('windows beyond the end of the epoch are refused', (t) => {
  t.throws(() => planOf('ordered').windows(0, 2, 2), { instanceOf: RnnKitError })
})
