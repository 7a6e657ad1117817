/** What becomes of a training, and of a model, whose GPU is lost. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createBatchPlan } from '../ts/batches/index.ts'
import { CharModel } from '../ts/char-model/char-model.ts'
import { loadCharModel } from '../ts/char-model/load.ts'
import { trainPlanned } from '../ts/char-model/train-char-model.ts'
import {
  type HistoryEntry,
  RnnKitError,
  type TrainCharModelOptions,
  TrainingError,
  trainCharModel,
} from '../ts/index.ts'
import { lossReport } from '../ts/metrics.ts'
import type { Session } from '../ts/native/engine-session.ts'
import { Turns } from '../ts/native/turns.ts'
import { scheduleOptions } from '../ts/options/schedule.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'
import { createSchedule } from '../ts/schedules/schedules.ts'
import { startPosition } from '../ts/training/position.ts'
import { runTraining, type TrainingWindows } from '../ts/training/training-loop.ts'
import { FakeEngine } from './fixtures/fake-gpu.ts'
import { GPU, gpuTest } from './fixtures/gpu.ts'
import { bitsOf, rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'
import { trainAndTell } from './fixtures/told-training.ts'

const { cell: _, layers: __, hiddenSize: ___, ...SIZES } = TINY

/** A training with everything that a snapshot must bring back: moving statistics, dropout, a schedule by the loss, a carry, scores and samples. */
const OPTIONS = {
  ...SIZES,
  layers: [{ kind: 'batchNorm' }, { kind: 'gru', size: 12, dropout: { recurrent: 0.2 } }],
  device: 'gpu',
  steps: 90,
  dropout: { head: 0.2 },
  schedule: { kind: 'reduceOnPlateau', patience: 0 },
  validation: { share: 0.1, every: { steps: 10 } },
  samples: { every: { steps: 15 }, length: 5 },
} satisfies TrainCharModelOptions

function trainOn(engine: FakeEngine, options: Partial<TrainCharModelOptions> = {}): Promise<CharModel> {
  return trainPlanned(trainCharModelOptions({ ...OPTIONS, ...options }), engine)
}

/** Loses the device at the n-th call of that name, counted from 1. */
function losingAt(n: number, name: keyof Session): FakeEngine {
  let calls = 0
  return new FakeEngine({ gpu: { loses: (call) => call === name && ++calls === n } })
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

/** Runs a task; the codes and texts of the warnings that it brought. */
async function warningsOf(task: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = []
  const hear = (warning: Error & { code?: string }) => warnings.push(`${warning.code}: ${warning.message}`)
  process.on('warning', hear)
  await task()
  await new Promise(setImmediate)
  process.off('warning', hear)
  return warnings
}

/** That the model is what an uninterrupted training makes, bit for bit: the fake GPU and the CPU are one engine. */
async function isAsUninterrupted(t: ExecutionContext, model: CharModel, steps = OPTIONS.steps): Promise<void> {
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu', steps })
  t.deepEqual(await bitsOf(model), await bitsOf(plain))
  t.deepEqual(model.history, plain.history)
  t.deepEqual(model.position, plain.position)
  plain.dispose()
}

const LOSSES: [keyof Session, number][] = [
  ['train', 1],
  ['train', 8],
  ['evaluate', 2],
  ['sample', 2],
  // Of the snapshot at the end: the second after the one at the beginning.
  ['readParameters', 2],
]
for (const [call, n] of LOSSES) {
  test.serial(`a training that loses the GPU in '${call}' no. ${n} ends as if it had not`, async (t) => {
    const engine = losingAt(n, call)
    let model: CharModel | undefined
    const warnings = await warningsOf(async () => {
      model = await trainOn(engine)
    })
    t.is(warnings.length, 1)
    t.regex(warnings[0]!, /^RNNKIT_DEVICE_LOST: .*the training goes on on the CPU from step 0\.$/)
    t.like(model!.device, { name: 'cpu' })
    t.regex(model!.device.reason, /the GPU was lost/)
    t.is(engine.held, 0, "the GPU's session was closed")
    await isAsUninterrupted(t, model!)
    model!.dispose()
  })
}

/** A training of 40 steps whose device is lost in its sixth call; `kept` tells when everything was kept. */
async function runLoop(everyMs: number) {
  const position = startPosition()
  const history: HistoryEntry[] = []
  const kept = [0]
  let calls = 0
  let snapshot = { position: structuredClone(position), entries: 0 }
  const train = async ({ learningRates: { length } }: TrainingWindows) => {
    if (++calls === 6) throw new RnnKitError({ code: 'ERR_DEVICE_LOST', message: 'lost' })
    const [zeros, ones] = [new Uint8Array(length), new Float64Array(length).fill(1)]
    const sums = { losses: ones, nats: ones, counts: ones, gradientNorms: ones, milliseconds: ones }
    return { ...sums, timing: 'call' as const, clipped: zeros, nonFinite: zeros, applied: length, aborted: false }
  }
  const recovered: number[] = []
  const setting = { learningRate: 1, totalSteps: 40 }
  await runTraining({
    model: undefined,
    train,
    turns: new Turns(),
    batches: createBatchPlan({ order: 'consecutive', symbols: 90, lanes: 1, unroll: 1, offset: 0, seed: 1 }),
    symbolsOfStep: 1,
    classifier: true,
    schedule: createSchedule(scheduleOptions('schedule', 'constant'), setting),
    position,
    history,
    endStep: 40,
    maxSeconds: Number.POSITIVE_INFINITY,
    validation: { every: { unit: 'steps', every: 5 }, make: async () => lossReport({ lossSum: 1, nats: 1, count: 1 }) },
    test: undefined,
    samples: undefined,
    onProgress: undefined,
    signal: undefined,
    callMs: 1e9,
    protection: {
      everyMs,
      keep: async () => {
        kept.push(position.steps)
        snapshot = { position: structuredClone(position), entries: history.length }
      },
      recover: async () => {
        Object.assign(position, snapshot.position)
        history.length = snapshot.entries
        recovered.push(position.steps)
      },
    },
  })
  return { kept, recovered, steps: position.steps, entries: history.map(({ step }) => step) }
}

test('a training keeps a snapshot whenever it is time, and goes on from the last', async (t) => {
  const often = await runLoop(0)
  const [last] = often.recovered
  t.true(last! > 0 && last === often.kept.filter((step) => step <= last!).at(-1))
  t.deepEqual(
    often.kept.toSorted((a, b) => a - b),
    [...new Set(often.kept)],
    'no step is done twice',
  )
  const seldom = await runLoop(1e6)
  t.deepEqual([seldom.kept, seldom.recovered], [[0, 40], [0]])
  for (const { steps, entries } of [often, seldom]) {
    t.is(steps, 40)
    t.deepEqual(entries, [5, 10, 15, 20, 25, 30, 35, 40])
  }
})

test.serial('a further training that loses the GPU goes on from its own beginning', async (t) => {
  const further = {
    steps: 30,
    optimizer: { kind: 'sgd', learningRate: 0.5, momentum: 0.9 },
    corpus: { text: `${TEXT}!` },
  } as const
  let calls = Number.NaN
  const model = await trainOn(new FakeEngine({ gpu: { loses: (call) => call === 'train' && ++calls === 3 } }))
  calls = 0
  t.is(model.device.name, 'gpu')
  const warnings = await warningsOf(() => model.train(further))
  t.regex(warnings.join(), /goes on on the CPU from step 0\./)
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu' })
  await plain.train(further)
  t.deepEqual(await bitsOf(model), await bitsOf(plain))
  t.deepEqual([model.history, model.recipe], [plain.history, plain.recipe])
  for (const each of [model, plain]) each.dispose()
})

test.serial(
  "with 'error' a training ends in an error with the model on the CPU, which goes on as if nothing had been",
  async (t) => {
    const engine = losingAt(9, 'train')
    const error = await rejectsWith(t, trainOn(engine, { onDeviceLost: 'error' }), 'ERR_DEVICE_LOST')
    t.true(error instanceof TrainingError)
    const { model, step } = error as TrainingError<CharModel>
    t.is(step, 0)
    t.like(model.device, { name: 'cpu' })
    t.is((await model.sample({ length: 20 })).length, 20)
    await model.train({ steps: OPTIONS.steps, validation: OPTIONS.validation, samples: OPTIONS.samples })
    await isAsUninterrupted(t, model)
    model.dispose()
  },
)

test.serial('a listener that finds the GPU lost does not end the training', async (t) => {
  let losing = false
  const engine = new FakeEngine({ gpu: { loses: () => losing } })
  const model = await trainOn(engine, {
    onProgress: async ({ model, step }) => {
      losing ||= step === 30
      await model.sample({ length: 3 })
    },
  })
  t.is(model.device.name, 'cpu')
  await isAsUninterrupted(t, model)
  model.dispose()
})

test.serial('a GPU lost before the first step is the CPU, or an error', async (t) => {
  for (const call of ['initialize', 'load', 'configure', 'readParameters'] as const) {
    const engine = losingAt(1, call)
    const model = await trainOn(engine)
    t.is(model.device.name, 'cpu')
    await isAsUninterrupted(t, model)
    model.dispose()
    t.is(engine.held, 0)
    const refusing = losingAt(1, call)
    await rejectsWith(t, trainOn(refusing, { onDeviceLost: 'error' }), 'ERR_DEVICE_LOST')
    t.is(refusing.held, 0)
  }
})

/** What only reads a model. */
const READING: Record<string, (model: CharModel, folder: string) => Promise<unknown>> = {
  sample: (model) => model.sample({ length: 9, seed: 3 }),
  stream: async (model) => await textOf(model.stream({ length: 9, seed: 3 })),
  evaluate: (model) => model.evaluate({ text: TEXT.slice(0, 99) }),
  save: (model, folder) => model.save(join(folder, 'm.safetensors')),
}

test.serial('outside of trainings a call that finds the GPU lost is made again on the CPU', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu' })
  for (const [name, call] of Object.entries(READING)) {
    let losing = false
    const model = await trainOn(new FakeEngine({ gpu: { loses: () => losing } }))
    losing = true
    const warnings = await warningsOf(async () => {
      const both = await Promise.all([call(model, folder), model.evaluate({ text: TEXT })])
      t.deepEqual(both, [await call(plain, folder), await plain.evaluate({ text: TEXT })], name)
    })
    t.regex(warnings.join(), /RNNKIT_DEVICE_LOST: .*the call is made again on the CPU/, name)
    t.is(model.device.name, 'cpu')
    await isAsUninterrupted(t, model)
    model.dispose()
  }
  plain.dispose()
})

test.serial('a call is not made again where steps were lost with the GPU', async (t) => {
  const stopping = new AbortController()
  let losing = false
  const engine = new FakeEngine({ gpu: { loses: () => losing } })
  const onProgress = ({ step }: { step: number }) => step >= 10 && stopping.abort()
  const aborted = await rejectsWith(t, trainOn(engine, { onProgress, signal: stopping.signal }), 'ERR_ABORTED')
  const { model } = aborted as TrainingError<CharModel>
  t.true(model.position.step >= 10)
  losing = true
  const error = await rejectsWith(t, model.sample({ length: 9 }), 'ERR_DEVICE_LOST')
  t.regex(error.message, /The model is on the CPU now, as it was at step 0: call again/)
  t.is((await model.sample({ length: 9 })).length, 9)
  model.dispose()
})

test.serial("with 'error' a call that finds the GPU lost fails, and the next finds the model on the CPU", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu' })
  for (const [name, call] of Object.entries(READING)) {
    let losing = false
    const model = await trainOn(new FakeEngine({ gpu: { loses: () => losing } }), { onDeviceLost: 'error' })
    losing = true
    t.throws(() => model.parameters(), { code: 'ERR_DEVICE_LOST' })
    const error = await rejectsWith(t, call(model, folder), 'ERR_DEVICE_LOST', 'device')
    t.regex(error.message, /The model is on the CPU now, as it was at step 90: call again/, name)
    t.is(model.device.name, 'cpu')
    await isAsUninterrupted(t, model)
    t.deepEqual(await call(model, folder), await call(plain, folder), name)
    model.dispose()
  }
  plain.dispose()
})

test.serial('a text that was being written when the GPU was lost ends in that error', async (t) => {
  let losing = false
  const model = await trainOn(new FakeEngine({ gpu: { loses: () => losing } }))
  const stream = model.stream({ length: 1000 })
  await stream.next()
  losing = true
  await model.sample({ length: 1 })
  t.is(model.device.name, 'cpu')
  const error = await rejectsWith(t, stream.next(), 'ERR_DEVICE_LOST')
  t.regex(error.message, /begin another/)
  model.dispose()
})

test.serial('a loaded model outlives its GPU too', async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), 'rnnkit-')), 'm.safetensors')
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu' })
  await plain.save(file)
  let losing = false
  const later = new FakeEngine({ gpu: { loses: () => losing } })
  const model = new CharModel(await loadCharModel(file, { device: 'gpu' }, later))
  t.is(model.device.name, 'gpu')
  losing = true
  await model.sample()
  t.is(model.device.name, 'cpu')
  await isAsUninterrupted(t, model)

  const once = losingAt(1, 'setParameters')
  const loaded = new CharModel(await loadCharModel(file, { device: 'gpu' }, once))
  t.is(loaded.device.name, 'cpu')
  await isAsUninterrupted(t, loaded)
  const options = { device: 'gpu', onDeviceLost: 'error' }
  await rejectsWith(t, loadCharModel(file, options, losingAt(1, 'restore')), 'ERR_DEVICE_LOST')
  for (const each of [plain, model, loaded]) each.dispose()
})

test.serial('a model disposed while it comes to the CPU stays disposed', async (t) => {
  let disposing = false
  const loses = (): boolean => {
    if (disposing) model.dispose()
    return disposing
  }
  const model: CharModel = await trainOn(new FakeEngine({ gpu: { loses } }))
  disposing = true
  await rejectsWith(t, model.sample(), 'ERR_DISPOSED')
  t.throws(() => model.parameters(), { code: 'ERR_DISPOSED' })
})

test.serial('a further training that finds the GPU lost is one on the CPU, or an error', async (t) => {
  const text = TEXT.toUpperCase()
  const plain = await trainCharModel({ ...OPTIONS, device: 'cpu', corpus: { text: TEXT + text } })
  await plain.train({ steps: 20, corpus: { text } })
  for (const onDeviceLost of ['cpu', 'error'] as const) {
    let losing = false
    // Found out while the new text is handed over, when the old one is gone.
    const engine = new FakeEngine({ gpu: { loses: (call) => losing && call === 'load' } })
    const model = await trainOn(engine, { onDeviceLost, corpus: { text: TEXT + text } })
    losing = true
    const further = () => model.train({ steps: 20, corpus: { text } })
    if (onDeviceLost === 'error') {
      const error = await rejectsWith(t, further(), 'ERR_DEVICE_LOST')
      t.regex(error.message, /call again/)
      await further()
    } else {
      const warnings = await warningsOf(further)
      t.regex(warnings.join(), /goes on on the CPU from step 90\./)
    }
    t.is(model.device.name, 'cpu')
    t.deepEqual(await bitsOf(model), await bitsOf(plain))
    t.deepEqual(model.history, plain.history)
    model.dispose()
  }
  plain.dispose()
})

test.serial('a model that comes to the CPU has its text there too', async (t) => {
  let losing = false
  const model = await trainOn(new FakeEngine({ gpu: { loses: (call) => losing && call === 'load' } }))
  losing = true
  await model.evaluate({ text: TEXT })
  t.is(model.device.name, 'cpu')
  await model.train({ steps: 10 })
  await isAsUninterrupted(t, model, OPTIONS.steps + 10)
  model.dispose()
})

for (const code of ['ERR_DEVICE_FAILED', 'ERR_MEMORY'] as const) {
  test.serial(
    `a GPU that is not lost but ends work in ${code} ends the training, with the model on the CPU`,
    async (t) => {
      const loss = new RnnKitError({ code, message: 'refused' })
      // The first scores ask for memory that the steps before them did not.
      const engine = new FakeEngine({ gpu: { loses: (call) => call === 'evaluate', loss } })
      const error = await rejectsWith(t, trainOn(engine), code)
      t.true(error instanceof TrainingError)
      const { model } = error as TrainingError<CharModel>
      t.regex(model.device.reason, /the GPU failed/)
      await model.train({ steps: OPTIONS.steps, validation: OPTIONS.validation, samples: OPTIONS.samples })
      await isAsUninterrupted(t, model)
      model.dispose()
      t.is(engine.held, 0)
    },
  )
}

test.serial("a GPU that 'auto' took goes on on the CPU however it fails", async (t) => {
  for (const code of ['ERR_DEVICE_FAILED', 'ERR_MEMORY', 'ERR_DEVICE_LOST'] as const) {
    const loss = new RnnKitError({ code, message: 'refused' })
    const gpu = { loses: (call: keyof Session) => call === 'evaluate', loss }
    const engine = new FakeEngine({ cpu: { stepMs: 10 }, gpu })
    const warnings = await warningsOf(async () => {
      const model = await trainOn(engine, { device: 'auto' })
      t.is(model.device.name, 'cpu')
      await isAsUninterrupted(t, model)
      model.dispose()
    })
    t.regex(warnings.join(), /RNNKIT_DEVICE_LOST: refused. Here the training goes on on the CPU from step 0/, code)
    t.is(engine.held, 0)
  }
})

test.serial("the lack of memory that a listener met is the listener's", async (t) => {
  const thrown = new RnnKitError({ code: 'ERR_MEMORY', message: 'of another model' })
  let model: CharModel | undefined
  const onProgress = (progress: { model: CharModel }) => {
    model = progress.model
    throw thrown
  }
  t.is(await t.throwsAsync(trainOn(new FakeEngine({}), { onProgress })), thrown)
  t.is(model!.device.name, 'gpu')
  model!.dispose()
})

/** What a training in a process of its own tells, whose GPU has a fault at the n-th submission or allocation. */
async function withFault(t: ExecutionContext, fault: string, options: object = {}): Promise<string> {
  // Scores cut the training into calls, each of them a submission at least.
  const validation = { share: 0.1, every: { steps: 10 } }
  return await trainAndTell(t, { ...GPU, steps: 200, validation, ...options }, { RNNKIT_GPU_FAULT: fault })
}

gpuTest('a real GPU that is lost hands a training on to the CPU', async (t) => {
  const told = await withFault(t, 'lost:20')
  t.regex(told, /trained 200 steps on cpu/)
  t.regex(told, /RNNKIT_DEVICE_LOST/)
})

gpuTest("a real GPU that is lost ends a training with 'error', and the model goes on", async (t) => {
  const told = await withFault(t, 'lost:20', { onDeviceLost: 'error' })
  t.regex(told, /ERR_DEVICE_LOST .*; after it trained \d+ steps on cpu/)
})

gpuTest('an allocation that a real GPU refuses is a typed error, and the process lives', async (t) => {
  const told = await withFault(t, 'memory:3')
  t.regex(told, /ERR_MEMORY/)
})

gpuTest('work that a real GPU finds invalid is a typed error, and the process lives', async (t) => {
  const told = await withFault(t, 'invalid:20')
  t.regex(told, /ERR_DEVICE_FAILED/)
})
