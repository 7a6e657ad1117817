/** The bench's arithmetic: what counts as useful work, and how a step's time is read from reports. */
import test from 'ava'
import { StepWatch } from '../bench/step-watch.ts'
import { UNSUPPORTED, usefulFlops, WORKLOADS } from '../bench/workloads.ts'

test('the work list has every workload on characters', (t) => {
  t.deepEqual([...WORKLOADS.keys()], ['W1', 'W2', 'W3', 'W5', 'W6', 'W7', 'W8', 'W9'])
  t.deepEqual(UNSUPPORTED, ['W4'])
})

test('useful work counts each recurrent and head weight once for each symbol it sees', (t) => {
  // W3: 2 x 512 LSTM over 40 x 64 symbols, a head of 86 at every step
  t.is(usefulFlops(WORKLOADS.get('W3')!), 6 * 40 * 64 * (3 * 4 * 512 * 512 + 512 * 86))
  // W9: an embedding of 42 takes part, the head sees the last step alone
  t.is(usefulFlops(WORKLOADS.get('W9')!), 6 * 512 * (8 * (256 * 256 + 256 * 42) + 256 * 86))
})

test('the median step leaves the warm-up out and weighs intervals by their steps', (t) => {
  let now = 0
  const watch = new StepWatch(1, () => now)
  const reports: [step: number, at: number][] = [
    [1, 5000],
    [6, 6000],
    [7, 6500], // one step of 500 ms
    [12, 6600], // five of 20 ms
    [15, 6690], // three of 30 ms
    [16, 7000], // one of 310 ms: the second is over
  ]
  for (const [step, at] of reports) {
    t.false(watch.signal.aborted)
    now = at
    watch.see({ step })
  }
  t.true(watch.signal.aborted)
  t.is(watch.steps, 10)
  t.is(watch.median(), 20)
})
