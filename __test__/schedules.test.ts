import { readdirSync, readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { RnnKitError } from '../ts/errors.ts'
import { scheduleOptions } from '../ts/options/schedule.ts'
import type { Schedule } from '../ts/schedules/schedule.ts'
import { createSchedule, type ScheduleSetting } from '../ts/schedules/schedules.ts'

const create = (options: unknown, setting: Partial<ScheduleSetting> = {}): Schedule =>
  createSchedule(scheduleOptions('schedule', options), { learningRate: 0.1, totalSteps: 100, ...setting })
const rates = (schedule: Schedule, steps: number) => Array.from({ length: steps }, (_, step) => schedule.rate(step))
const observing = (schedule: Schedule, losses: Iterable<number>) =>
  Array.from(losses, (loss) => {
    schedule.observe?.(loss)
    return schedule.rate(0)
  })

function close(t: ExecutionContext, got: number[], want: ArrayLike<number>, relative = 1e-7) {
  t.is(got.length, want.length)
  got.forEach((rate, step) => {
    t.true(Math.abs(rate - want[step]!) <= relative * want[step]!, `step ${step}: got ${rate}, expected ${want[step]}`)
  })
}

// The reference cases, made with PyTorch: tensors of 32-bit floats after a JSON header.

const CASES = new URL('./reference/cases/', import.meta.url)

function readCase(file: string) {
  const bytes = readFileSync(new URL(file, CASES))
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd))
  const tensor = (name: string) => {
    const [from, to] = header[name].data_offsets
    return Array.from({ length: (to - from) / 4 }, (_, i) => bytes.readFloatLE(headerEnd + from + 4 * i))
  }
  const { kind, flavour, hyper } = header.__metadata__
  return { kind, flavour, hyper: JSON.parse(hyper), tensor }
}

const OPTION_OF: Record<string, string> = {
  step_size: 'stepSize',
  gamma: 'gamma',
  warmup: 'warmup',
  total: 'total',
  after: 'after',
  min_lr: 'minLearningRate',
  factor: 'factor',
  patience: 'patience',
  threshold: 'threshold',
  threshold_mode: 'thresholdMode',
  min_delta: 'minDelta',
  cooldown: 'cooldown',
  eps: 'epsilon',
}

const files = readdirSync(CASES).filter((name) => name.startsWith('schedule_'))

test('the reference cases of all kinds are there', (t) => {
  t.is(new Set(files.map((file) => readCase(file)).map(({ kind, flavour }) => kind + flavour)).size, 7)
})

for (const file of files) {
  test(`reference case ${file}: the rates are those of the library it came from`, (t) => {
    const { kind, flavour, hyper, tensor } = readCase(file)
    const options: Record<string, unknown> = { kind: kind === 'plateau' ? 'reduceOnPlateau' : kind }
    if (flavour !== 'none') options.flavour = flavour
    for (const [name, value] of Object.entries(hyper)) if (OPTION_OF[name]) options[OPTION_OF[name]] = value
    const schedule = create(options, { learningRate: hyper.lr, totalSteps: hyper.steps })
    const got = kind === 'plateau' ? observing(schedule, tensor('input.loss')) : rates(schedule, hyper.steps)
    close(t, got, tensor('expect.lr'))
  })
}

test('left out, the rate is constant; a name alone stands for the defaults of its kind', (t) => {
  t.deepEqual(rates(create(undefined), 3), [0.1, 0.1, 0.1])
  t.deepEqual(
    rates(create('cosine'), 120),
    rates(create({ kind: 'cosine', warmup: 0, total: 100, minLearningRate: 0 }), 120),
  )
})

test('a warm-up rises linearly, and what follows begins where it ends', (t) => {
  for (const options of [
    { kind: 'constant' },
    { kind: 'step', stepSize: 3, gamma: 0.5 },
    { kind: 'exponential', gamma: 0.9 },
    { kind: 'cosine', total: 20 },
    { kind: 'linear', total: 20 },
  ]) {
    const warm = rates(create({ ...options, warmup: 4 }), 16)
    close(t, warm.slice(0, 5), [0.025, 0.05, 0.075, 0.1, 0.1])
    const shifted = { ...options, ...('total' in options ? { total: 16 } : {}) }
    close(t, warm.slice(4), rates(create(shifted), 12))
  }
})

test('linear decay goes straight to the least rate at total, and stays there', (t) => {
  close(t, rates(create({ kind: 'linear', minLearningRate: 0.02, total: 4 }), 6), [0.1, 0.08, 0.06, 0.04, 0.02, 0.02])
  close(t, rates(create({ kind: 'linear' }, { totalSteps: 2 }), 2), [0.1, 0.05])
})

test('cosine stays at the least rate after total', (t) => {
  const schedule = create({ kind: 'cosine', minLearningRate: 0.01, total: 10 })
  close(t, [schedule.rate(5), schedule.rate(10), schedule.rate(1e9)], [0.055, 0.01, 0.01])
})

test('a run shorter than its warm-up only warms up', (t) => {
  close(t, rates(create({ kind: 'cosine', warmup: 10 }, { totalSteps: 3 }), 3), [0.01, 0.02, 0.03])
})

test('every rate is finite and between 0 and the learning rate', (t) => {
  const decay = fc.record({
    kind: fc.constantFrom('cosine', 'linear'),
    warmup: fc.nat({ max: 50 }),
    total: fc.integer({ min: 51, max: 200 }),
    minLearningRate: fc.double({ min: 0, max: 0.1, noNaN: true }),
  })
  fc.assert(
    fc.property(decay, fc.nat({ max: 300 }), (options, step) => {
      const rate = create(options).rate(step)
      t.true(rate >= 0 && rate <= 0.1 * (1 + 1e-12), `${rate}`)
    }),
  )
})

test('a function is asked for each step, and its answer checked', (t) => {
  t.deepEqual(
    rates(
      create((step: number) => step / 8),
      3,
    ),
    [0, 0.125, 0.25],
  )
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, '0.1', undefined, 1n, null]) {
    const error = t.throws(() => create(() => bad).rate(7), { instanceOf: RnnKitError })
    t.like(error, { code: 'ERR_INVALID_OPTION', field: 'schedule' })
    t.true(error.message.startsWith('schedule(7) returned'), error.message)
  }
})

// Plateaus, by hand: the same losses, what each library does with them.

test('PyTorch reduces after more than patience bad losses, Keras after patience', (t) => {
  const losses = [1, 1, 1, 1, 1]
  const base = { kind: 'reduceOnPlateau', factor: 0.5, patience: 2 }
  close(t, observing(create({ ...base }), losses), [0.1, 0.1, 0.1, 0.05, 0.05])
  close(t, observing(create({ ...base, flavour: 'keras' }), losses), [0.1, 0.1, 0.05, 0.05, 0.025])
})

test('PyTorch compares relatively or absolutely, Keras absolutely', (t) => {
  // Each loss is 5 % better than the one before it: by less than 0.1 absolutely, by less than 10 % relatively.
  const losses = [1, 0.95, 0.9]
  const base = { kind: 'reduceOnPlateau', factor: 0.5, patience: 0 }
  close(t, observing(create({ ...base, threshold: 0.04 }), losses), [0.1, 0.1, 0.1])
  close(t, observing(create({ ...base, threshold: 0.1 }), losses), [0.1, 0.05, 0.025])
  const tens = losses.map((loss) => loss * 10)
  close(t, observing(create({ ...base, threshold: 0.1 }), tens), [0.1, 0.05, 0.025])
  close(t, observing(create({ ...base, threshold: 0.1, thresholdMode: 'abs' }), tens), [0.1, 0.1, 0.1])
  const keras = { ...base, flavour: 'keras', patience: 1, minDelta: 0.1 }
  close(t, observing(create(keras), losses), [0.1, 0.05, 0.025])
  close(t, observing(create(keras), tens), [0.1, 0.1, 0.1])
})

test('bad losses do not count while a reduction cools down', (t) => {
  const base = { kind: 'reduceOnPlateau', factor: 0.5, patience: 0, cooldown: 2 }
  close(t, observing(create(base), [1, 1, 1, 1, 1]), [0.1, 0.05, 0.05, 0.05, 0.025])
})

test('the rate stops at its least, and PyTorch leaves out reductions within epsilon', (t) => {
  const base = { kind: 'reduceOnPlateau', factor: 0.5, patience: 0, minLearningRate: 0.04 }
  close(t, observing(create(base), [1, 1, 1, 1]), [0.1, 0.05, 0.04, 0.04])
  close(t, observing(create({ ...base, epsilon: 0.02 }), [1, 1, 1, 1]), [0.1, 0.05, 0.05, 0.05])
})

test('a loss that is not a number is not better', (t) => {
  const base = { kind: 'reduceOnPlateau', factor: 0.5, patience: 0 }
  close(t, observing(create(base), [1, Number.NaN, 0.5]), [0.1, 0.05, 0.05])
})

test('a plateau goes on from its stored state as if it had not been interrupted', (t) => {
  const losses = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 40 })
  fc.assert(
    fc.property(losses, fc.nat({ max: 40 }), fc.constantFrom('pytorch', 'keras'), (all, at, flavour) => {
      const options = { kind: 'reduceOnPlateau', flavour, factor: 0.5, patience: 1, cooldown: 1 }
      const unbroken = create(options)
      observing(unbroken, all.slice(0, at))
      const resumed = create(options)
      resumed.restore(JSON.parse(JSON.stringify(unbroken.state())))
      t.deepEqual(observing(resumed, all.slice(at)), observing(unbroken, all.slice(at)))
    }),
  )
})

test('a broken state is refused', (t) => {
  const plateau = create({ kind: 'reduceOnPlateau' })
  const good = plateau.state()
  for (const bad of [
    null,
    3,
    {},
    { ...good, rate: -1 },
    { ...good, bad: 0.5 },
    { ...good, best: 'x' },
    { ...good, more: 1 },
  ]) {
    t.like(
      t.throws(() => plateau.restore(bad), { instanceOf: RnnKitError }),
      { code: 'ERR_CHECKPOINT_SCHEDULE' },
    )
  }
  const constant = create('constant')
  constant.restore(constant.state())
  t.like(
    t.throws(() => constant.restore(good), { instanceOf: RnnKitError }),
    { code: 'ERR_CHECKPOINT_SCHEDULE' },
  )
})

test('bad options are refused by field', (t) => {
  const bad: [options: unknown, code: string, field: string][] = [
    ['cosin', 'ERR_INVALID_OPTION', 'schedule'],
    [5, 'ERR_INVALID_OPTION', 'schedule'],
    [{}, 'ERR_MISSING_OPTION', 'schedule.kind'],
    [{ kind: 'step' }, 'ERR_MISSING_OPTION', 'schedule.stepSize'],
    [{ kind: 'step', stepSize: 0 }, 'ERR_INVALID_OPTION', 'schedule.stepSize'],
    [{ kind: 'step', stepSize: 5, gamma: 1.5 }, 'ERR_INVALID_OPTION', 'schedule.gamma'],
    [{ kind: 'exponential' }, 'ERR_MISSING_OPTION', 'schedule.gamma'],
    [{ kind: 'exponential', gamma: 0 }, 'ERR_INVALID_OPTION', 'schedule.gamma'],
    [{ kind: 'cosine', warmup: -1 }, 'ERR_INVALID_OPTION', 'schedule.warmup'],
    [{ kind: 'cosine', warmup: 10, total: 10 }, 'ERR_INVALID_OPTION', 'schedule.total'],
    [{ kind: 'cosine', minLearningRate: 0.2 }, 'ERR_INVALID_OPTION', 'schedule.minLearningRate'],
    [{ kind: 'cosine', gamma: 0.5 }, 'ERR_UNKNOWN_OPTION', 'schedule.gamma'],
    [{ kind: 'linear', after: 'decays' }, 'ERR_INVALID_OPTION', 'schedule.after'],
    [{ kind: 'linear', after: 'constant', total: 50 }, 'ERR_INVALID_OPTION', 'schedule.total'],
    [{ kind: 'reduceOnPlateau', factor: 1 }, 'ERR_INVALID_OPTION', 'schedule.factor'],
    [{ kind: 'reduceOnPlateau', patience: 1.5 }, 'ERR_INVALID_OPTION', 'schedule.patience'],
    [{ kind: 'reduceOnPlateau', minDelta: 0.1 }, 'ERR_INVALID_OPTION', 'schedule.minDelta'],
    [{ kind: 'reduceOnPlateau', flavour: 'keras', threshold: 0.1 }, 'ERR_INVALID_OPTION', 'schedule.threshold'],
    [{ kind: 'reduceOnPlateau', cooldown: Number.NaN }, 'ERR_INVALID_OPTION', 'schedule.cooldown'],
  ]
  for (const [options, code, field] of bad) {
    t.like(
      t.throws(() => create(options), { instanceOf: RnnKitError }),
      { code, field },
      JSON.stringify(options),
    )
  }
})
