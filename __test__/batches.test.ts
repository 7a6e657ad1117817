import test from 'ava'
import fc from 'fast-check'
import {
  BATCH_ORDERS,
  type BatchOrder,
  type BatchPlanOptions,
  createBatchPlan,
  evaluationWindows,
  minimumSymbols,
  planWindows,
  windowsPerEpoch,
} from '../ts/batches/index.ts'
import { RnnKitError } from '../ts/errors.ts'
import { batchesOptions } from '../ts/options/batches.ts'

/** Trainings that are just long enough and longer, with fixed and random offsets. */
const trainings = (order: fc.Arbitrary<BatchOrder>): fc.Arbitrary<BatchPlanOptions> =>
  fc
    .record({
      order,
      lanes: fc.integer({ min: 1, max: 7 }),
      unroll: fc.integer({ min: 1, max: 9 }),
      offset: fc.oneof(fc.constant('random' as const), fc.nat({ max: 5 })),
      seed: fc.maxSafeNat(),
      spare: fc.nat({ max: 300 }),
    })
    .map(({ spare, ...options }) => ({ ...options, symbols: minimumSymbols(options) + spare }))

const anyTraining = trainings(fc.constantFrom(...BATCH_ORDERS))
const only = (order: BatchOrder) => trainings(fc.constant(order))
const epochs = fc.nat({ max: 1000 })
const startsOf = (options: BatchPlanOptions, epoch: number) => {
  const plan = createBatchPlan(options)
  return [...plan.windows(epoch, 0, plan.windowsIn(epoch)).starts]
}
const ascending = (numbers: number[]) => numbers.toSorted((a, b) => a - b)

test('the orders, as they can be printed', (t) => {
  const plan = (order: BatchOrder) => {
    const { starts, resets } = planWindows({
      order,
      symbols: 22,
      lanes: 2,
      unroll: 4,
      offset: 0,
      seed: 1,
      epoch: 0,
      from: 0,
      count: 2,
    })
    return [[...starts], [...resets]]
  }
  t.deepEqual(plan('consecutive'), [
    [0, 10, 4, 14],
    [1, 1, 0, 0],
  ])
  t.deepEqual(plan('ordered'), [
    [0, 4, 8, 12],
    [1, 1, 1, 1],
  ])
})

test('every order has a window at the least length, and none has one below it', (t) => {
  fc.assert(
    fc.property(anyTraining, epochs, (options, epoch) => {
      const symbols = minimumSymbols(options)
      t.is(createBatchPlan({ ...options, symbols }).windowsIn(epoch), 1)
      const error = t.throws(() => createBatchPlan({ ...options, symbols: symbols - 1 }), { instanceOf: RnnKitError })
      t.like(error, { code: 'ERR_CORPUS_TOO_SHORT', field: 'corpus', value: symbols - 1 })
      t.true(error.message.includes(`at least ${symbols}`), error.message)
    }),
  )
})

test('one symbol below the least length, some random offset would leave no window', (t) => {
  const symbols = minimumSymbols({ lanes: 3, unroll: 5, offset: 'random' }) - 1
  t.is(windowsPerEpoch({ symbols, lanes: 3, unroll: 5, offset: 4 }), 0)
  t.is(windowsPerEpoch({ symbols: 1, lanes: 3, unroll: 5, offset: 4 }), 0)
})

test('every start and every target lies in the text, after the offset', (t) => {
  fc.assert(
    fc.property(anyTraining, epochs, (options, epoch) => {
      const offset = options.order === 'sampled' ? 0 : createBatchPlan(options).offsetIn(epoch)
      for (const start of startsOf(options, epoch)) {
        t.true(start >= offset && start + options.unroll < options.symbols, `${start}`)
      }
    }),
  )
})

test('an epoch leaves fewer than N·T symbols without a target', (t) => {
  fc.assert(
    fc.property(anyTraining, epochs, (options, epoch) => {
      const plan = createBatchPlan(options)
      const targets = plan.windowsIn(epoch) * options.lanes * options.unroll
      const left = options.symbols - 1 - plan.offsetIn(epoch) - targets
      t.true(left >= 0 && left < options.lanes * options.unroll)
    }),
  )
})

test('consecutive: each window goes on where the one before ended, and only the first starts from zero', (t) => {
  fc.assert(
    fc.property(only('consecutive'), epochs, (options, epoch) => {
      const plan = createBatchPlan(options)
      const { starts, resets } = plan.windows(epoch, 0, plan.windowsIn(epoch))
      t.deepEqual(
        [...starts.subarray(options.lanes)],
        [...starts.subarray(0, -options.lanes)].map((start) => start + options.unroll),
      )
      t.deepEqual(
        [...resets],
        [...starts].map((_, i) => (i < options.lanes ? 1 : 0)),
      )
    }),
  )
})

test('consecutive, ordered and shuffled predict no symbol twice in an epoch', (t) => {
  fc.assert(
    fc.property(trainings(fc.constantFrom('consecutive', 'ordered', 'shuffled')), epochs, (options, epoch) => {
      const starts = ascending(startsOf(options, epoch))
      for (let i = 1; i < starts.length; i++) t.true(starts[i]! - starts[i - 1]! >= options.unroll)
    }),
  )
})

test('shuffled is a permutation of ordered when the text divides into windows', (t) => {
  fc.assert(
    fc.property(only('shuffled'), fc.integer({ min: 1, max: 20 }), epochs, (options, windows, epoch) => {
      const offset = options.offset === 'random' ? 0 : options.offset
      const symbols = windows * options.lanes * options.unroll + 1 + offset
      const shuffled = startsOf({ ...options, offset, symbols }, epoch)
      t.deepEqual(ascending(shuffled), startsOf({ ...options, offset, symbols, order: 'ordered' }, epoch))
    }),
  )
})

test('shuffled and sampled differ from epoch to epoch and seed to seed, and repeat for the same', (t) => {
  for (const order of ['shuffled', 'sampled'] as const) {
    const options = { order, symbols: 1001, lanes: 5, unroll: 10, offset: 0, seed: 1 }
    t.deepEqual(startsOf(options, 3), startsOf(options, 3))
    t.notDeepEqual(startsOf(options, 3), startsOf(options, 4))
    t.notDeepEqual(startsOf(options, 3), startsOf({ ...options, seed: 2 }, 3))
  }
})

test('sampled starts reach both ends and are spread evenly', (t) => {
  const starts = startsOf({ order: 'sampled', symbols: 2004, lanes: 1, unroll: 1, offset: 0, seed: 1 }, 0).map(
    (s) => s % 10,
  )
  const counts = Array.from({ length: 10 }, (_, digit) => starts.filter((s) => s === digit).length)
  // 2003 draws, each digit binomial with mean 200 and deviation 13.
  for (const count of counts) t.true(Math.abs(count - 200) < 60, `${counts}`)
  const few = new Set(startsOf({ order: 'sampled', symbols: 5, lanes: 1, unroll: 1, offset: 0, seed: 1 }, 0))
  for (let epoch = 1; epoch < 50; epoch++) {
    for (const start of startsOf({ order: 'sampled', symbols: 5, lanes: 1, unroll: 1, offset: 0, seed: 1 }, epoch))
      few.add(start)
  }
  t.deepEqual(ascending([...few]), [0, 1, 2, 3])
})

test('a random offset takes each value 0 … T-1, the same for an epoch whenever asked', (t) => {
  const options = { order: 'consecutive', symbols: 500, lanes: 2, unroll: 4, offset: 'random', seed: 9 } as const
  const plan = createBatchPlan(options)
  const offsets = Array.from({ length: 60 }, (_, epoch) => plan.offsetIn(epoch))
  t.deepEqual(ascending([...new Set(offsets)]), [0, 1, 2, 3])
  for (const epoch of [5, 59, 0]) {
    t.is(plan.window(epoch, 0).starts[0], offsets[epoch]!)
    t.is(createBatchPlan(options).offsetIn(epoch), offsets[epoch]!)
  }
})

test('windows asked for in pieces, in any order of epochs, are those asked for at once', (t) => {
  fc.assert(
    fc.property(anyTraining, epochs, (options, epoch) => {
      const plan = createBatchPlan(options)
      const all = planWindows({ ...options, epoch, from: 0, count: plan.windowsIn(epoch) })
      const single: number[] = []
      const resets: number[] = []
      for (let index = 0; index < plan.windowsIn(epoch); index++) {
        plan.window(epoch + 1, 0)
        const window = plan.window(epoch, index)
        single.push(...window.starts)
        resets.push(...window.resets)
      }
      t.deepEqual([single, resets], [[...all.starts], [...all.resets]])
    }),
  )
})

test('a window beyond the end of the epoch is refused', (t) => {
  const plan = createBatchPlan({ order: 'ordered', symbols: 41, lanes: 2, unroll: 5, offset: 0, seed: 1 })
  t.is(plan.windowsIn(0), 4)
  t.is(plan.windows(0, 4, 0).starts.length, 0)
  t.like(
    t.throws(() => plan.windows(0, 3, 2), { instanceOf: RnnKitError }),
    { code: 'ERR_INVALID_OPTION', field: 'count' },
  )
  t.like(
    t.throws(() => plan.window(0, -1), { instanceOf: RnnKitError }),
    { code: 'ERR_INVALID_OPTION', field: 'from' },
  )
})

test('an evaluation scores every symbol but the first once', (t) => {
  t.deepEqual(evaluationWindows(10, 4), [
    { start: 0, length: 4 },
    { start: 4, length: 4 },
    { start: 8, length: 1 },
  ])
  t.deepEqual(evaluationWindows(2, 50), [{ start: 0, length: 1 }])
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 500 }), fc.integer({ min: 1, max: 60 }), (symbols, unroll) => {
      const scored = evaluationWindows(symbols, unroll).flatMap(({ start, length }) =>
        Array.from({ length }, (_, i) => start + 1 + i),
      )
      t.deepEqual(
        scored,
        Array.from({ length: symbols - 1 }, (_, i) => i + 1),
      )
    }),
  )
  for (const symbols of [0, 1]) {
    t.like(
      t.throws(() => evaluationWindows(symbols, 5), { instanceOf: RnnKitError }),
      { code: 'ERR_CORPUS_TOO_SHORT' },
    )
  }
})

test('the carry is kept over epochs, within one, or not at all', (t) => {
  const shape = { symbols: 22, lanes: 2, unroll: 4, offset: 0, seed: 1 } as const
  const resets = (options: Partial<BatchPlanOptions>) =>
    [0, 1].map((epoch) => [
      ...planWindows({ order: 'consecutive', ...shape, ...options, epoch, from: 0, count: 2 }).resets,
    ])
  const [none, all, first] = [
    [0, 0, 0, 0],
    [1, 1, 1, 1],
    [1, 1, 0, 0],
  ]
  t.deepEqual(resets({}), [first, first])
  t.deepEqual(resets({ resetCarry: 'epoch' }), [first, first])
  t.deepEqual(resets({ resetCarry: 'never' }), [first, none])
  t.deepEqual(resets({ resetCarry: 'batch' }), [all, all])
  t.deepEqual(resets({ order: 'sampled', resetCarry: 'never' }), [all, all])
})

test('the option is an order, or an order with an offset and with what becomes of the carry', (t) => {
  const consecutive = { order: 'consecutive', offset: 0, resetCarry: 'epoch' } as const
  t.deepEqual(batchesOptions('batches', undefined), consecutive)
  t.deepEqual(batchesOptions('batches', 'shuffled'), { order: 'shuffled', offset: 0, resetCarry: 'batch' })
  t.deepEqual(batchesOptions('batches', { offset: 'random' }), { ...consecutive, offset: 'random' })
  t.deepEqual(batchesOptions('batches', { resetCarry: 'never' }), { ...consecutive, resetCarry: 'never' })
  const bad: [unknown, string, string][] = [
    ['shufled', 'ERR_INVALID_OPTION', 'batches'],
    [{ order: 'random' }, 'ERR_INVALID_OPTION', 'batches.order'],
    [{ offset: 1 }, 'ERR_INVALID_OPTION', 'batches.offset'],
    [{ resetCarry: 'always' }, 'ERR_INVALID_OPTION', 'batches.resetCarry'],
    [{ order: 'ordered', resetCarry: 'never' }, 'ERR_INVALID_OPTION', 'batches.resetCarry'],
    [{ ofset: 0 }, 'ERR_UNKNOWN_OPTION', 'batches.ofset'],
    [null, 'ERR_INVALID_OPTION', 'batches'],
  ]
  for (const [value, code, field] of bad) {
    t.like(
      t.throws(() => batchesOptions('batches', value), { instanceOf: RnnKitError }),
      { code, field },
    )
  }
})
