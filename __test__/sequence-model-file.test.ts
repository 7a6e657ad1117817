/** Models of sequences and series in files, and on a device that is lost. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  CharModel,
  RnnKitError,
  SequenceModel,
  SeriesModel,
  trainCharModel,
  trainSequenceModel,
  trainSeriesModel,
} from '../ts/index.ts'
import { trainSequenceModelOptions } from '../ts/options/sequence-model.ts'
import { trainSeriesModelOptions } from '../ts/options/series-model.ts'
import { trainPlanned as trainSequencePlanned } from '../ts/sequence-model/train-sequence-model.ts'
import { SERIES_FILE, seriesToFile } from '../ts/series-model/checkpoint.ts'
import { trainPlanned as trainSeriesPlanned } from '../ts/series-model/train-series-model.ts'
import { startPosition } from '../ts/training/position.ts'
import { FakeEngine } from './fixtures/fake-gpu.ts'
import { bitsOf, rejectsWith, TINY } from './fixtures/tiny-char-model.ts'
import { firstSymbolRows, TINY_ROWS } from './fixtures/tiny-sequences.ts'

const HOST = { device: 'cpu', threads: 1 } as const
const ROWS = {
  ...TINY_ROWS,
  vocabulary: 4,
  predict: 'last-step',
  loss: 'crossEntropy',
  data: firstSymbolRows(40),
  dropout: { head: 0.2 },
  validation: 0.2,
} as const
const SINE = Float64Array.from({ length: 120 }, (_, i) => 3 + Math.sin(i / 5))
const SERIES = { ...TINY_ROWS, series: SINE, lookback: 6 } as const

const folder = mkdtemp(join(tmpdir(), 'rnnkit-'))
test.after.always(async () => await rm(await folder, { recursive: true }))
const pathFor = async (name: string) => join(await folder, `${name}.safetensors`)

test('a model of rows comes back from its file and goes on as it would have', async (t) => {
  const path = await pathFor('rows')
  using whole = await trainSequenceModel({ ...ROWS, steps: 9 })
  using parted = await trainSequenceModel({ ...ROWS, steps: 5 })
  await parted.save(path)
  using loaded = await SequenceModel.load(path, HOST)
  t.deepEqual(loaded.history, parted.history)
  t.deepEqual(loaded.spec, parted.spec)
  await rejectsWith(t, loaded.train({ steps: 4 }), 'ERR_MISSING_OPTION', 'data')
  await loaded.train({ steps: 4, data: ROWS.data })
  t.deepEqual(await bitsOf(loaded), await bitsOf(whole))
  t.deepEqual(loaded.position, whole.position)
})

test('a model of a series comes back with its scaling and the end of its series', async (t) => {
  const path = await pathFor('series')
  using whole = await trainSeriesModel({ ...SERIES, steps: 9 })
  using parted = await trainSeriesModel({ ...SERIES, steps: 5 })
  await parted.save(path)
  using loaded = await SeriesModel.load(path, HOST)
  t.deepEqual(loaded.form, parted.form)
  t.deepEqual((await loaded.forecast(7)).values, (await parted.forecast(7)).values)
  t.deepEqual(await loaded.evaluate({ series: SINE }), await parted.evaluate({ series: SINE }))
  await rejectsWith(t, loaded.train({ steps: 4 }), 'ERR_MISSING_OPTION', 'series')
  await loaded.train({ steps: 4, series: SINE })
  t.deepEqual(await bitsOf(loaded), await bitsOf(whole))
})

test('each kind of model tells what reads the file of another', async (t) => {
  const [text, rows, series] = [await pathFor('a'), await pathFor('b'), await pathFor('c')]
  await (await trainCharModel({ ...TINY, steps: 1 })).save(text)
  await (await trainSequenceModel({ ...ROWS, steps: 1 })).save(rows)
  await (await trainSeriesModel({ ...SERIES, steps: 1 })).save(series)
  for (const [load, file, reader] of [
    [SequenceModel.load, text, 'CharModel.load'],
    [CharModel.load, rows, 'SequenceModel.load'],
    [SequenceModel.load, series, 'SeriesModel.load'],
  ] as const) {
    const error = await rejectsWith(t, load(file), 'ERR_CHECKPOINT_HEADER', 'metadata.kind')
    t.true(error.message.endsWith(`${reader} reads it`), error.message)
  }
})

test('any flipped byte of a file is refused by a code', async (t) => {
  const path = await pathFor('broken')
  using model = await trainSeriesModel({ ...SERIES, steps: 2 })
  await model.save(path)
  const bytes = await readFile(path)
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 40)) {
    const broken = Uint8Array.from(bytes)
    broken[at] = broken[at]! ^ 4
    await writeFile(path, broken)
    const error = await t.throwsAsync(SeriesModel.load(path, HOST), { instanceOf: RnnKitError }, `byte ${at}`)
    t.regex(error!.code, /^ERR_CHECKPOINT_/)
  }
})

test('metadata and numbers that no model of a series has are refused', async (t) => {
  const plan = trainSeriesModelOptions({ ...SERIES, steps: 1 })
  using model = await trainSeriesPlanned(plan)
  const state = {
    form: plan.form,
    scaling: { shift: Float64Array.of(3), factor: Float64Array.of(2) },
    tail: new Float32Array(6),
    recipe: plan.recipe,
    scheduleLost: false,
    digest: undefined,
    position: startPosition(),
    history: model.history,
  }
  const { metadata, tensors } = seriesToFile(state)
  const options = JSON.parse(metadata.options!) as object
  t.deepEqual(SERIES_FILE.read(metadata, tensors).scaling, state.scaling)
  for (const change of [{ lookback: 0 }, { layout: 'rows' }, { targets: [1] }, { features: 0 }, { more: 1 }]) {
    const wrong = { ...metadata, options: JSON.stringify({ ...options, ...change }) }
    t.throws(() => SERIES_FILE.read(wrong, tensors), { code: 'ERR_CHECKPOINT_HEADER' }, JSON.stringify(change))
  }
  for (const [name, values] of [
    ['series.factor', [0]],
    ['series.factor', [Number.NaN]],
    ['series.shift', [1, 2]],
    ['series.tail', [1]],
  ] as const) {
    const data = new Uint8Array(Float64Array.from(values).buffer)
    const others = tensors.map((tensor) => (tensor.name === name ? { ...tensor, data } : tensor))
    t.throws(() => SERIES_FILE.read(metadata, others), { code: 'ERR_CHECKPOINT_TENSOR' }, name)
  }
  const { spec } = model
  t.notThrows(() => SERIES_FILE.check(spec, state))
  const head = { ...spec.head, size: 2 }
  t.throws(() => SERIES_FILE.check({ ...spec, head }, state), { instanceOf: RnnKitError, message: /head is 2/ })
  const input = { kind: 'real', size: 6 } as const
  t.throws(() => SERIES_FILE.check({ ...spec, input }, state), { instanceOf: RnnKitError, message: /input is 6/ })
})

test('trainings whose GPU is lost go on on the CPU, bit for bit', async (t) => {
  const losing = () => {
    let calls = 0
    return new FakeEngine({ gpu: { loses: (call) => call === 'train' && ++calls === 2 } })
  }
  const options = { ...ROWS, steps: 20, device: 'gpu' }
  using rows = await trainSequencePlanned(trainSequenceModelOptions(options), losing())
  using wholeRows = await trainSequenceModel({ ...ROWS, steps: 20 })
  t.deepEqual(await bitsOf(rows), await bitsOf(wholeRows))
  t.is(rows.device.name, 'cpu')
  using series = await trainSeriesPlanned(trainSeriesModelOptions({ ...SERIES, steps: 20, device: 'gpu' }), losing())
  using wholeSeries = await trainSeriesModel({ ...SERIES, steps: 20 })
  t.deepEqual(await bitsOf(series), await bitsOf(wholeSeries))
})
