import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Turns } from '../ts/native/turns.ts'

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

/** A task that runs until it is released, and says when it began and ended. */
function held(name: string, seen: string[]) {
  let release = () => {}
  const open = new Promise<void>((resolve) => {
    release = resolve
  })
  const task = async () => {
    seen.push(`${name} begins`)
    await open
    seen.push(`${name} ends`)
  }
  return { task, release }
}

test('readers run together, and what changes the model waits for all of them', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  const [long, short, change] = [held('long', seen), held('short', seen), held('change', seen)]
  const reading = [turns.share(long.task), turns.share(short.task)]
  const changing = turns.take(change.task)
  short.release()
  await reading[1]
  t.deepEqual(seen, ['long begins', 'short begins', 'short ends'])
  long.release()
  change.release()
  await changing
  t.deepEqual(seen.slice(3), ['long ends', 'change begins', 'change ends'])
})

test('a reader does not overtake a change that was asked for before it', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  const [first, change, second] = [held('first', seen), held('change', seen), held('second', seen)]
  const all = [turns.share(first.task), turns.take(change.task), turns.share(second.task)]
  for (const { release } of [second, change, first]) release()
  await Promise.all(all)
  t.deepEqual(
    seen.filter((line) => line.endsWith('begins')),
    ['first begins', 'change begins', 'second begins'],
  )
  t.true(seen.indexOf('change ends') < seen.indexOf('second begins'))
})

test('readers behind a change that gave up join those that run', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  const [first, second] = [held('first', seen), held('second', seen)]
  const reading = turns.share(first.task)
  const stopping = new AbortController()
  const changing = turns.take(async () => t.fail(), stopping.signal)
  second.release()
  const joining = turns.share(second.task)
  stopping.abort('enough')
  t.is(await changing.catch((reason) => reason), 'enough')
  await joining
  t.deepEqual(seen, ['first begins', 'second begins', 'second ends'])
  first.release()
  await reading
})
