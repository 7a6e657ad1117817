/** The bench's arithmetic: what counts as useful work, how a step's time is read from events, and how costs grow. */
import test from 'ava'
import { exponent } from '../bench/scaling/axes.ts'
import { noisySine, randomText } from '../bench/workloads/data.ts'
import { usefulFlops, WORKLOADS } from '../bench/workloads/list.ts'
import { StepWatch } from '../bench/workloads/step-watch.ts'

test('useful work counts each recurrent and head weight once for each symbol it sees', (t) => {
  // W3: 2 x 512 LSTM over 40 x 64 symbols, a head of 86 at every step
  t.is(usefulFlops(WORKLOADS.get('W3')!), 6 * 40 * 64 * (3 * 4 * 512 * 512 + 512 * 86))
  // W9: an embedding of 42 takes part, the head sees the last step alone
  t.is(usefulFlops(WORKLOADS.get('W9')!), 6 * 512 * (8 * (256 * 256 + 256 * 42) + 256 * 86))
})

test('a workload of numbers counts what it reads and what it predicts', (t) => {
  // W4: 2 x 30 LSTM that reads one number in each of 10 x 32 time steps and predicts one in each lane
  t.is(usefulFlops(WORKLOADS.get('W4')!), 6 * (10 * 32 * 4 * (3 * 30 * 30 + 30) + 32 * 30))
})

test('a text to train on has every symbol, and a series changes', (t) => {
  const text = randomText(57, 1000)
  t.is(text.length, 1000)
  t.is(new Set(text).size, 57)
  t.true(new Set(noisySine(100)).size > 90)
})

test('the steps of the warm-up do not count, and each event counts once for each of its steps', (t) => {
  let now = 0
  const watch = new StepWatch(1, () => now)
  const events: [step: number, at: number, stepMilliseconds: number][] = [
    [1, 5000, 400],
    [6, 6000, 300],
    [7, 6500, 490],
    [12, 6600, 18],
    [15, 6690, 28],
    [16, 7000, 300], // the second is over
  ]
  for (const [step, at, stepMilliseconds] of events) {
    t.false(watch.signal.aborted)
    now = at
    watch.see({ step, stepMilliseconds, stepTiming: 'call' })
  }
  t.true(watch.signal.aborted)
  t.is(watch.steps, 10)
  t.is(watch.median(), 18)
  t.is(watch.wallMilliseconds, 100)
  t.is(watch.timing, 'call')
})

test('the fitted exponent is that of the power', (t) => {
  const points = [1, 2, 4, 8].map((x) => [x, 3 * x ** 1.5] as const)
  t.true(Math.abs(exponent(points) - 1.5) < 1e-12)
  t.is(exponent(points.map(([x]) => [x, 7] as const)), 0)
})
