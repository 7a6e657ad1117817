/** What a training tells of its steps' times, held with an engine whose step n takes n milliseconds. */
import test from 'ava'
import { createBatchPlan } from '../ts/batches/index.ts'
import { lossReport } from '../ts/metrics.ts'
import { Turns } from '../ts/native/turns.ts'
import { scheduleOptions } from '../ts/options/schedule.ts'
import { createSchedule } from '../ts/schedules/schedules.ts'
import { startPosition } from '../ts/training/position.ts'
import type { Progress } from '../ts/training/progress.ts'
import { runTraining, type TrainingWindows } from '../ts/training/training-loop.ts'

test("an event has the median of its own steps' times, however many calls they took, and says who measured them", async (t) => {
  const events: Progress<undefined>[] = []
  const position = startPosition()
  const calls: number[] = []
  const train = async ({ learningRates: { length } }: TrainingWindows) => {
    calls.push(length)
    const [zeros, ones] = [new Uint8Array(length), new Float64Array(length).fill(1)]
    const milliseconds = Float64Array.from({ length }, (_, k) => position.steps + k + 1)
    const sums = { losses: ones, nats: ones, counts: ones, gradientNorms: ones, milliseconds }
    return { ...sums, timing: 'timestamps' as const, clipped: zeros, nonFinite: zeros, applied: length, aborted: false }
  }
  await runTraining({
    model: undefined,
    train,
    turns: new Turns(),
    batches: createBatchPlan({ order: 'consecutive', symbols: 90, lanes: 1, unroll: 1, offset: 0, seed: 1 }),
    symbolsOfStep: 1,
    classifier: true,
    schedule: createSchedule(scheduleOptions('schedule', 'constant'), { learningRate: 1, totalSteps: 13 }),
    position,
    history: [],
    endStep: 13,
    maxSeconds: Number.POSITIVE_INFINITY,
    validation: { every: { unit: 'steps', every: 5 }, make: async () => lossReport({ lossSum: 1, nats: 1, count: 1 }) },
    test: undefined,
    samples: undefined,
    onProgress: (event) => events.push(event),
    signal: undefined,
    callMs: 1e9,
    protection: undefined,
  })
  t.true(calls.length > 3, `${calls}`)
  t.deepEqual(
    events.map(({ step, stepMilliseconds, stepTiming }) => [step, stepMilliseconds, stepTiming]),
    [
      [5, 3, 'timestamps'],
      [10, 8, 'timestamps'],
      [13, 12, 'timestamps'],
    ],
  )
})
