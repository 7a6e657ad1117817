/** The progress line on a terminal and on a pipe. */
import { PassThrough } from 'node:stream'
import test from 'ava'
import { describeDuration, describeProgress, ProgressLine } from '../ts/cli/progress-line.ts'

const PROGRESS = {
  step: 1200,
  totalSteps: 1500,
  epoch: 2.787,
  loss: 1.93249,
  perplexity: 6.9061,
  symbolsPerSecond: 33_999.6,
  remainingMs: 12_400,
  elapsedMs: 49_000,
}

test('a progress is told in one line', (t) => {
  t.is(
    describeProgress(PROGRESS),
    'step 1,200 of 1,500 · epoch 2.79 · loss 1.932 · perplexity 6.91 · 34,000 symbols/s · 12 s left',
  )
})

test('a remaining time that nobody knows is left out', (t) => {
  t.notRegex(describeProgress({ ...PROGRESS, remainingMs: Number.POSITIVE_INFINITY }), /left/)
})

test('the remaining time is told after a second and three steps, not before', (t) => {
  const out = new PassThrough()
  const line = new ProgressLine(out, () => 0)
  const told = (step: number, elapsedMs: number) => {
    line.show({ ...PROGRESS, step, elapsedMs }, true)
    return String(out.read()).includes('12 s left')
  }
  t.deepEqual([told(61, 999), told(70, 999), told(62, 5000), told(63, 1000)], [false, false, false, true])
})

for (const [milliseconds, told] of [
  [400, '0 s'],
  [59_400, '59 s'],
  [59_600, '1 min 00 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 05 min'],
] as const) {
  test(`${milliseconds} ms are ${told}`, (t) => t.is(describeDuration(milliseconds), told))
}

test('on a pipe a line comes every five seconds, and whenever it must', (t) => {
  const out = new PassThrough()
  let now = 0
  const line = new ProgressLine(out, () => now)
  for (now of [0, 1000, 4999, 5000, 6000]) line.show({ ...PROGRESS, step: now })
  line.show({ ...PROGRESS, step: 6001 }, true)
  line.end()
  const steps = String(out.read()).match(/step [\d,]+/g)
  t.deepEqual(steps, ['step 0', 'step 5,000', 'step 6,001'])
})

test('on a terminal the line rewrites itself and never wraps', (t) => {
  const out = Object.assign(new PassThrough(), { isTTY: true, columns: 22 })
  const line = new ProgressLine(out)
  line.show(PROGRESS)
  line.show(PROGRESS)
  line.end()
  t.is(String(out.read()), '\r\u001b[2Kstep 1,200 of 1,500 ·\r\u001b[2Kstep 1,200 of 1,500 ·\n')
})
