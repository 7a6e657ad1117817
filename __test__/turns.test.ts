import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Turns } from '../ts/char-model/turns.ts'

test('tasks run one at a time, in the order of asking', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  const task = (name: string, ms: number) =>
    turns.take(async () => {
      seen.push(`${name} begins`)
      await sleep(ms)
      seen.push(`${name} ends`)
      return name
    })
  t.deepEqual(await Promise.all([task('a', 10), task('b', 1), task('c', 0)]), ['a', 'b', 'c'])
  t.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('a task that fails lets the next one run', async (t) => {
  const turns = new Turns()
  const failing = turns.take(() => Promise.reject(new Error('no')))
  const next = turns.take(async () => 1)
  await t.throwsAsync(failing, { message: 'no' })
  t.is(await next, 1)
})

test('a raised signal ends the waiting at once, and the task never runs', async (t) => {
  const turns = new Turns()
  let [ran, release] = [false, () => {}]
  const long = turns.take(() => new Promise<void>((resolve) => (release = resolve)))
  const stopping = new AbortController()
  const waiting = turns.take(async () => {
    ran = true
  }, stopping.signal)
  const after = turns.take(async () => 'after')
  stopping.abort('enough')
  t.is(await waiting.catch((reason) => reason), 'enough')
  release()
  await long
  t.is(await after, 'after')
  t.false(ran)
})
