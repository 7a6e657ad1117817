import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { RnnKitError } from '../ts/errors.ts'
import { type NativeSession, type NativeTensor, openCheckpoint } from '../ts/native/native-session.ts'
import { modelJson, readySession, SETUP, windows } from './fixtures/native-model.ts'

const HISTORY: NativeTensor = {
  name: 'history.steps',
  dtype: 'I64',
  shape: [2],
  data: new Uint8Array(BigInt64Array.of(5n, 7n).buffer),
}
const KIND = JSON.stringify({ kind: 'test' })
const ruleOf = (extras: object[]) => JSON.stringify({ kind: 'test', loaders: { other: 'Other.load' }, extras })
const EXTRAS = ruleOf([
  { name: 'history.steps', dtype: 'I64', rank: 1, optional: true },
  { name: 'vocabulary', dtype: 'U8', rank: 1, optional: true },
])

async function trained(t: ExecutionContext): Promise<{ session: NativeSession; data: number; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  const { session, data } = await readySession()
  t.teardown(async () => {
    session.close()
    await rm(folder, { recursive: true })
  })
  await session.train(windows(data, 5), 1)
  return { session, data, path: join(folder, 'model.safetensors') }
}

test('a training comes back from a file with everything it was', async (t) => {
  const { session, path } = await trained(t)
  await session.save(path, JSON.stringify({ kind: 'test', note: 'ä "quoted"' }), [HISTORY], true)
  const opened = await openCheckpoint(path, 1e9, EXTRAS)
  const state = await session.trainingState()
  t.deepEqual(opened.parameters, session.parameters())
  t.deepEqual(opened.moments, state.moments)
  t.deepEqual([opened.carryLanes, opened.carry], [state.carryLanes, state.carry])
  t.deepEqual(JSON.parse(opened.training ?? ''), { ...JSON.parse(SETUP), steps: 5, lanes: 2 })
  t.deepEqual(JSON.parse(opened.model), JSON.parse(modelJson()))
  t.is(JSON.parse(opened.metadata).note, 'ä "quoted"')
  t.deepEqual(
    opened.extras.map((extra) => ({ ...extra, data: new Uint8Array(extra.data) })),
    [HISTORY],
  )
})

test('a resumed training repeats the losses of the one that went on', async (t) => {
  const { session, data, path } = await trained(t)
  await session.save(path, KIND, [], true)
  const next = { ...windows(data, 5), resets: new Uint8Array(10) }
  const { losses } = await session.train(next, 1)
  const opened = await openCheckpoint(path, 1e9, ruleOf([]))
  const other = await readySession()
  await other.session.setParameters(opened.parameters)
  await other.session.restore(5, opened.moments ?? [], opened.carryLanes ?? 0, opened.carry ?? new Float32Array())
  t.deepEqual((await other.session.train({ ...next, data: other.data }, 1)).losses, losses)
  other.session.close()
})

test('a model saved without its training has none', async (t) => {
  const { session, path } = await trained(t)
  await session.save(path, KIND, [], false)
  const opened = await openCheckpoint(path, 1e9, ruleOf([]))
  t.deepEqual(opened.parameters, session.parameters())
  t.deepEqual(
    [opened.training, opened.moments, opened.carryLanes, opened.carry],
    [undefined, undefined, undefined, undefined],
  )
})

test('a training that has not begun is saved without a carry', async (t) => {
  const { path } = await trained(t)
  const { session } = await readySession()
  await session.save(path, KIND, [], true)
  const opened = await openCheckpoint(path, 1e9, ruleOf([]))
  t.deepEqual([opened.carryLanes, opened.carry], [0, new Float32Array()])
  session.close()
})

test('files that are not the model they should be are refused by code', async (t) => {
  const { session, path } = await trained(t)
  const refused = async (code: string, extras = EXTRAS, bytes = 1e9): Promise<RnnKitError> => {
    const error = await t.throwsAsync(openCheckpoint(path, bytes, extras), { instanceOf: RnnKitError })
    t.is(error.code as string, code, error.message)
    return error
  }
  await refused('ERR_CHECKPOINT_FILE')
  await session.save(path, KIND, [HISTORY], true)
  await refused('ERR_CHECKPOINT_FILE', EXTRAS, 100)
  t.is((await refused('ERR_CHECKPOINT_TENSOR', ruleOf([]))).field, 'history.steps')
  const missing = ruleOf([{ name: 'vocabulary', dtype: 'U8', rank: 1, optional: false }])
  await refused('ERR_CHECKPOINT_TENSOR', missing)
  const bytes = await readFile(path)
  const flipped = Uint8Array.from(bytes)
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  await writeFile(path, flipped)
  await refused('ERR_CHECKPOINT_DIGEST')
})

test('another kind of file is told before its tensors are looked at, with what reads it', async (t) => {
  const { session, path } = await trained(t)
  for (const [metadata, problem] of [
    ['{"kind":"other"}', /metadata\.kind: it is 'other', not 'test': Other\.load reads it/],
    ['{"kind":"third"}', /it is 'third', not 'test'$/],
    ['{}', /the file lacks it/],
  ] as const) {
    await session.save(path, metadata, [HISTORY], false)
    const refused = openCheckpoint(path, 1e9, ruleOf([]))
    const { field } = (await t.throwsAsync(refused, { code: 'ERR_CHECKPOINT_HEADER', message: problem })) as RnnKitError
    t.is(field, 'metadata.kind')
  }
})

test('a model that no load would take replaces no file', async (t) => {
  const { session, path } = await trained(t)
  await session.save(path, KIND, [], false)
  const before = await readFile(path)
  await session.setParameters(session.parameters().fill(Number.NaN))
  await t.throwsAsync(session.save(path, KIND, [], false), { code: 'ERR_NON_FINITE' })
  t.deepEqual(await readFile(path), before)
})

test('what cannot be written is refused before the old file is touched', async (t) => {
  const { session, path } = await trained(t)
  await session.save(path, KIND, [], false)
  const before = await readFile(path)
  const refused = async (save: Promise<void>, code: string): Promise<void> => {
    const error = await t.throwsAsync(save, { instanceOf: RnnKitError })
    t.is(error.code as string, code, error.message)
  }
  await refused(session.save(join(path, 'below'), KIND, [], false), 'ERR_CHECKPOINT_WRITE')
  await refused(session.save(path, '{"model":"mine"}', [], false), 'ERR_INVALID_OPTION')
  await refused(session.save(path, '{"number":1}', [], false), 'ERR_INVALID_OPTION')
  await refused(session.save(path, KIND, [{ ...HISTORY, shape: [3] }], false), 'ERR_INVALID_OPTION')
  await refused(session.save(path, KIND, [{ ...HISTORY, dtype: 'F16' }], false), 'ERR_INVALID_OPTION')
  t.deepEqual(await readFile(path), before)
})
