import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type ErrorCode, RnnKitError } from '../ts/errors.ts'
import { NativeSession } from '../ts/native/native-session.ts'
import { gpuTest } from './fixtures/gpu.ts'
import {
  deviceJson,
  endlessWindows,
  modelJson,
  readySession,
  roundText,
  SETUP,
  VOCABULARY,
  windows,
} from './fixtures/native-model.ts'

async function rejectsWith(t: ExecutionContext, promise: Promise<unknown>, code: ErrorCode): Promise<RnnKitError> {
  const error = await t.throwsAsync(promise, { instanceOf: RnnKitError })
  t.is(error.code, code, error.message)
  return error
}

for (const device of ['reference', 'cpu']) {
  test(`training on ${device} lowers the loss`, async (t) => {
    const { session, data } = await readySession(16, device)
    const trained = await session.train(windows(data, 60), 1)
    const first = trained.losses[0] ?? Number.NaN
    const last = trained.losses.at(-1) ?? Number.NaN
    t.true(Math.abs(first - Math.log(VOCABULARY)) < 0.3, `${first} is no untrained loss`)
    t.true(last < 0.5 * first, `${first} -> ${last}`)
    t.is(trained.applied, 60)
    t.false(trained.aborted)
    t.deepEqual([...trained.counts], new Array(60).fill(16))
    t.true(trained.gradientNorms.every((norm) => norm > 0) && trained.milliseconds.every((ms) => ms > 0))
    t.is(trained.timing, 'window')
    t.true(trained.nonFinite.every((flag) => flag === 0) && trained.clipped.length === 60)
    session.close()
  })
}

gpuTest('a GPU tells how long its windows take, or leaves it to the call', async (t) => {
  const { session, data } = await readySession(16, 'gpu')
  const { description } = await session.ready()
  const trained = await session.train(windows(data, 3), 1)
  // A GPU that software plays has a clock.
  t.true(trained.timing === 'timestamps' || (trained.timing === 'call' && !description.includes('software')))
  t.true(trained.milliseconds.length === 3 && trained.milliseconds.every((ms) => ms > 0))
  session.close()
})

test('a trained model samples what it was taught, and evaluates with a low loss', async (t) => {
  const { session, data } = await readySession()
  for (let call = 0; call < 4; call += 1) await session.train(windows(data, 60), 1)
  const stream = await session.beginSampling(
    JSON.stringify({
      options: { temperature: 1, topK: 0, topP: 1, minP: 0, greedy: true },
      seed: 1,
      context: { kind: 'carry' },
    }),
  )
  await session.feed(stream, roundText(10), 1)
  t.deepEqual(await session.sample(stream, 7, 1), Uint32Array.of(3, 4, 5, 6, 0, 1, 2))
  t.deepEqual(await session.sample(stream, 0, 1), new Uint32Array(0))
  await session.endSampling(stream)
  const { learningRates: _, ...request } = windows(data, 4)
  const evaluation = await session.beginEvaluation(2)
  const { losses, nats, counts } = await session.evaluate(evaluation, { ...request, everyStep: false }, 1)
  t.deepEqual([...counts], [16, 16, 16, 16])
  t.true(losses.every((loss) => loss < 0.5) && nats.every((value) => value < 8))
  await session.endEvaluation(evaluation)
  session.close()
})

test('parameters go out and come back unchanged', async (t) => {
  const { session } = await readySession()
  const { layout, length, description } = await session.ready()
  const tensors = JSON.parse(layout) as { name: string; shape: number[]; offset: number }[]
  t.deepEqual(
    tensors.map(({ name }) => name),
    ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0', 'head.weight', 'head.bias'],
  )
  t.deepEqual(tensors[0]?.shape, [64, VOCABULARY])
  t.not(description, '')
  const values = session.parameters()
  t.is(values.length, length)
  t.deepEqual(await session.readParameters(), values)
  await session.initialize(JSON.stringify({ normal: 0.01 }), 2, Float64Array.of(1), 0)
  t.notDeepEqual(session.parameters(), values)
  await session.setParameters(values)
  t.deepEqual(session.parameters(), values)
  session.close()
})

test('a restored training repeats the same losses', async (t) => {
  const { session, data } = await readySession()
  await session.train(windows(data, 5), 1)
  const values = session.parameters()
  const state = await session.trainingState()
  t.is(state.steps, 5)
  t.deepEqual(state.momentNames, ['exp_avg', 'exp_avg_sq'])
  t.deepEqual([state.carryLanes, state.carry.length], [2, 2 * 2 * 16])
  const { losses } = await session.train({ ...windows(data, 5), resets: new Uint8Array(10) }, 1)
  await session.setParameters(values)
  await session.configure(SETUP)
  await session.restore(state.steps, state.moments, state.carryLanes, state.carry)
  const again = await session.train({ ...windows(data, 5), resets: new Uint8Array(10) }, 1)
  t.deepEqual(again.losses, losses)
  session.close()
})

test('what is refused is named with a code, the field and the value', async (t) => {
  const layerless = modelJson().replace('"size":16', '"size":0')
  const reference = deviceJson('reference')
  const bad = new NativeSession(layerless, reference, 1e9)
  const error = await rejectsWith(t, bad.ready(), 'ERR_INVALID_OPTION')
  t.deepEqual([error.field, error.value], ['layers[0].size', '0'])
  t.throws(() => bad.parameters(), { code: 'ERR_INVALID_OPTION' })
  await rejectsWith(t, new NativeSession('{', reference, 1e9).ready(), 'ERR_INVALID_OPTION')
  await rejectsWith(t, new NativeSession(modelJson(), reference, 10).ready(), 'ERR_MEMORY')
  const absent = JSON.stringify({ name: 'gpu', threads: 1, adapter: 'no adapter has this name' })
  const gpu = await rejectsWith(t, new NativeSession(modelJson(), absent, 1e9).ready(), 'ERR_DEVICE_UNAVAILABLE')
  t.deepEqual([gpu.field, gpu.value], ['device', 'gpu'])
  t.regex(gpu.message, /'auto' or 'cpu' would do/)
  const threadless = new NativeSession(modelJson(), '{"name":"cpu","threads":0}', 1e9)
  t.is((await rejectsWith(t, threadless.ready(), 'ERR_INVALID_OPTION')).field, 'threads')
  await rejectsWith(t, new NativeSession(modelJson(), '{"name":"tpu","threads":1}', 1e9).ready(), 'ERR_INVALID_OPTION')

  const { session, data } = await readySession()
  await rejectsWith(t, session.initialize('"zeros"', 1, new Float64Array(0), 0), 'ERR_INVALID_OPTION')
  await rejectsWith(t, session.load({ inputs: { ids: Uint32Array.of(1, 99) }, shifted: true }), 'ERR_INVALID_OPTION')
  await rejectsWith(t, session.setParameters(new Float32Array(3)), 'ERR_INVALID_OPTION')
  await rejectsWith(t, session.train(windows(data, 1, 8, Number.NaN), 1), 'ERR_INVALID_OPTION')
  await rejectsWith(t, session.train(windows(data + 9, 1), 1), 'ERR_INTERNAL')
  t.is((await session.train(windows(data, 1), 1)).applied, 1)
  session.close()
})

test('a number that would change on its way to the engine is refused before', async (t) => {
  const { session, data } = await readySession()
  for (const seed of [0.5, -1, Number.NaN, 2 ** 53]) {
    const refused = await rejectsWith(
      t,
      session.initialize('"pytorch"', seed, new Float64Array(0), 0),
      'ERR_INVALID_OPTION',
    )
    t.is(refused.field, 'seed')
  }
  await rejectsWith(t, session.train({ ...windows(data, 1), lanes: 1.5 }, 1), 'ERR_INVALID_OPTION')
  await rejectsWith(t, session.sample(1, 2 ** 21, 1), 'ERR_INVALID_OPTION')
  t.throws(() => new NativeSession(modelJson(), deviceJson('cpu'), Number.NaN), { code: 'ERR_INVALID_OPTION' })
  session.close()
})

test('an abort ends a running call within 100 ms and leaves a usable session', async (t) => {
  const { session, data } = await readySession()
  const running = session.train(endlessWindows(data), 7)
  const other = session.train(windows(data, 1), 8)
  const queued = session.train(endlessWindows(data), 7)
  await sleep(100)
  const clock = performance.now()
  session.abort(7)
  const { aborted, applied, losses } = await running
  t.true(performance.now() - clock < 100, `${performance.now() - clock} ms`)
  t.true(aborted && applied > 0 && losses.length === applied)
  t.false((await other).aborted)
  const never = await queued
  t.true(never.aborted && never.applied === 0)
  t.is((await session.trainingState()).steps, applied + 1)
  session.close()
})

test('an aborted evaluation or sample is an error', async (t) => {
  const { session, data } = await readySession()
  const { learningRates: _, ...request } = endlessWindows(data)
  const evaluation = await session.beginEvaluation(2)
  const evaluated = session.evaluate(evaluation, { ...request, everyStep: false }, 3)
  await sleep(20)
  session.abort(3)
  await rejectsWith(t, evaluated, 'ERR_ABORTED')
  session.close()
})

test('close is idempotent, stops what runs, and answers what waits and what comes', async (t) => {
  const { session, data } = await readySession()
  const running = session.train(endlessWindows(data), 1)
  const queued = session.ready()
  await sleep(20)
  const clock = performance.now()
  session.close()
  session.close()
  t.true(performance.now() - clock < 50, 'close waits for nothing')
  const late = session.ready()
  for (const call of [running, queued, late]) await rejectsWith(t, call, 'ERR_DISPOSED')
  session.abort(1)
})

test('a session is disposed at the end of its scope', async (t) => {
  let kept: NativeSession
  {
    using session = (await readySession()).session
    kept = session
  }
  await rejectsWith(t, kept.ready(), 'ERR_DISPOSED')
})

test('the event loop stays free during a long call', async (t) => {
  const { session, data } = await readySession(64)
  const running = session.train(endlessWindows(data), 1)
  const turns: number[] = []
  // The best of three: other processes take their time as well.
  for (let i = 0; i < 3 && !(Math.max(...turns) > 10); i++) {
    let count = 0
    const clock = performance.now()
    while (performance.now() - clock < 200) {
      await sleep(5)
      count += 1
    }
    turns.push(count)
  }
  session.abort(1)
  t.true((await running).aborted)
  t.true(Math.max(...turns) > 10, `${turns} turns in 200 ms`)
  session.close()
})

test('two sessions work at once and know nothing of each other', async (t) => {
  const both = await Promise.all([readySession(), readySession()])
  const running = both.map(({ session, data }) => session.train(endlessWindows(data), 5))
  await sleep(50)
  both[0].session.abort(5)
  t.true((await running[0])?.aborted)
  const still = await Promise.race([running[1], sleep(50, 'running')])
  t.is(still, 'running')
  both[1].session.abort(5)
  t.true((await running[1])?.aborted)
  for (const { session } of both) session.close()
})
