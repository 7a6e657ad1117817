import test from 'ava'
import { TrainingError, trainCharModel } from '../ts/index.ts'
import {
  onNewText,
  onNewWindows,
  type Position,
  positionFromNumbers,
  positionToNumbers,
  startPosition,
} from '../ts/training/position.ts'
import { TEXT, TINY } from './fixtures/tiny-char-model.ts'

const SUMS = { steps: 3, lossSum: 6, nats: 6, count: 2, normSum: 1, clipped: 0 }
const refuse = (problem: string) => {
  throw new Error(problem)
}

function position(given: Partial<Position>): Position {
  return {
    ...startPosition(),
    epoch: 4,
    window: 3,
    steps: 50,
    totalSteps: 60,
    inEpoch: SUMS,
    sinceEntry: SUMS,
    ...given,
  }
}

test('another text restarts epoch, window and the epoch sums, and nothing else', (t) => {
  const fresh = startPosition().inEpoch
  for (const due of ['nothing', 'step'] as const) {
    const before = position({ due })
    t.deepEqual(onNewText(before), { ...before, epoch: 0, window: 0, inEpoch: fresh })
  }
  const ended = position({ due: 'epoch', window: 0 })
  t.deepEqual(onNewText(ended), { ...ended, epoch: 0 }, 'what is due after an epoch still needs its sums')
})

test('other windows leave a begun epoch, and keep what is due', (t) => {
  const fresh = startPosition().inEpoch
  const begun = position({ due: 'step' })
  t.deepEqual(onNewWindows(begun), { ...begun, epoch: 5, window: 0, inEpoch: fresh })
  const ended = position({ due: 'epoch', window: 0 })
  t.deepEqual(onNewWindows(ended), ended)
})

test('a position goes into numbers and back', (t) => {
  for (const due of ['nothing', 'step', 'epoch'] as const) {
    const before = position({ due, schedule: { rate: 0.1, best: null, bad: 1, cooldown: 0 } })
    t.deepEqual(positionFromNumbers(positionToNumbers(before), refuse), before)
  }
  const broken = positionToNumbers(position({}))
  broken[4] = 3
  t.throws(() => positionFromNumbers(broken, refuse), { message: /what is due is 3/ })
})

/** Trains 20 steps, whose score at the end is interrupted. */
async function interruptedScore() {
  const stopping = new AbortController()
  const samples = { every: { steps: 20 }, length: 10_000_000 }
  const promise = trainCharModel({ ...TINY, samples, steps: 40, signal: stopping.signal })
  setTimeout(() => stopping.abort(), 100)
  const error: unknown = await promise.catch((error: unknown) => error)
  if (!(error instanceof TrainingError)) throw error
  return error.model as Awaited<typeof promise>
}

test('what was due when a training was interrupted is still made with another corpus or other batches', async (t) => {
  for (const change of [{ corpus: { text: TEXT.slice(100) } }, { batchSize: 4 }, {}]) {
    const model = await interruptedScore()
    t.is(model.position.step, 20)
    const sampled: number[] = []
    await model.train({
      ...change,
      steps: 5,
      samples: { every: { steps: 20 }, length: 2 },
      onProgress: (p) => {
        if (p.samples !== undefined) sampled.push(p.step)
      },
    })
    t.deepEqual(sampled, [20, 25])
    model.dispose()
  }
})
