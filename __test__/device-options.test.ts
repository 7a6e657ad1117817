/** Where a model runs: what the options say, what 'auto' chooses, and what it tells. */
import test from 'ava'
import { trainPlanned } from '../ts/char-model/train-char-model.ts'
import { gpuDevice, hostDevice } from '../ts/device/chosen-device.ts'
import { RnnKitError, trainCharModel } from '../ts/index.ts'
import { trainingBytes } from '../ts/model/memory.ts'
import { modelSpec, parameterCount } from '../ts/model/spec.ts'
import { type DeviceOptions, deviceOptions, loadDeviceOptions } from '../ts/options/device.ts'
import { modelOptions } from '../ts/options/model.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'
import { type Behaviour, DISCRETE, FakeEngine } from './fixtures/fake-gpu.ts'
import { bitsOf, rejectsWith, TINY } from './fixtures/tiny-char-model.ts'

const SLOW = { stepMs: 12 }
const refusing = (code: 'ERR_DEVICE_FAILED' | 'ERR_DEVICE_UNAVAILABLE'): Behaviour => ({
  refuses: new RnnKitError({ code, message: 'its driver crashed' }),
})

function trainOn(engine: FakeEngine, options: DeviceOptions, steps = 3) {
  return trainPlanned(trainCharModelOptions({ ...TINY, steps, validation: 0, ...options }), engine)
}

test('what belongs to a GPU is refused where there is none, with the field', (t) => {
  const given = { adapter: 0, form: 'step', onDeviceLost: 'error' }
  for (const [field, value] of Object.entries(given)) {
    for (const device of ['cpu', 'reference']) {
      const error = t.throws(() => deviceOptions({ device, [field]: value }), { instanceOf: RnnKitError })
      t.like(error, { code: 'ERR_INVALID_OPTION', field, value })
      t.regex(error.message, /left out with device '(cpu|reference)': it belongs to device 'gpu'/)
    }
    t.throws(() => loadDeviceOptions({ [field]: value }), { message: /'auto', which is the CPU for a loaded model/ })
    for (const device of ['gpu', 'auto']) t.notThrows(() => deviceOptions({ device, [field]: value }))
    t.notThrows(() => loadDeviceOptions({ device: 'gpu', [field]: value }))
  }
})

test('a precision that the device lacks is refused with those that it has', (t) => {
  for (const [device, precision, has] of [
    ['cpu', 'f16', /'f32' or 'bf16' with device 'cpu'/],
    ['gpu', 'bf16', /'f32' or 'f16' with device 'gpu'/],
    ['reference', 'bf16', /'f32' with device 'reference'/],
    ['cpu', 'f64', /precision/],
  ] as const) {
    const error = t.throws(() => deviceOptions({ device, precision }), { instanceOf: RnnKitError, message: has })
    t.like(error, { code: 'ERR_INVALID_OPTION', field: 'precision', value: precision })
  }
  t.throws(() => loadDeviceOptions({ precision: 'f16' }), { message: /'auto', which is the CPU for a loaded model/ })
  t.is(loadDeviceOptions({ precision: 'bf16' }).precision, 'bf16')
  t.is(deviceOptions({ device: 'cpu', precision: 'bf16' }).precision, 'bf16')
})

test('with auto each device is told the precision that it has', (t) => {
  for (const [precision, onCpu, onGpu] of [
    ['f32', 'f32', 'f32'],
    ['bf16', 'bf16', 'f32'],
    ['f16', 'f32', 'f16'],
  ] as const) {
    const device = deviceOptions({ precision })
    t.is(hostDevice(device, 'cpu', '').engine.precision, onCpu)
    t.is(gpuDevice(device, '').engine.precision, onGpu)
  }
})

test('weights in bf16 are rounded copies: the model says so, and learns nearly the same', async (t) => {
  const train = (precision: 'f32' | 'bf16') =>
    trainCharModel({ ...TINY, steps: 3, validation: 0, device: 'cpu', threads: 2, precision })
  const [whole, rounded] = [await train('f32'), await train('bf16')]
  t.regex(rounded.device.description, /^cpu, .*, bf16 weights, 2 threads$/)
  t.notRegex(whole.device.description, /weights/)
  const [a, b] = [whole, rounded].map((model) => model.history.at(-1)!.loss)
  t.not(a, b)
  t.true(Math.abs(a! - b!) < 0.02 * a!, `${a} and ${b}`)
  for (const model of [whole, rounded]) model.dispose()
})

test('an adapter is a number or a part of a name', (t) => {
  t.is(deviceOptions({ device: 'gpu', adapter: 1 }).adapter, '1')
  t.is(deviceOptions({ device: 'gpu', adapter: 'llvm' }).adapter, 'llvm')
  for (const adapter of [-1, 0.5, '', ' ', null]) {
    t.throws(() => deviceOptions({ device: 'gpu', adapter }), { code: 'ERR_INVALID_OPTION' })
  }
  t.throws(() => deviceOptions({ device: 'gpu', adapter: {} }), { message: /a GPU's number or a part of its name/ })
})

test('a training on a GPU counts the snapshots as memory of the host, but no window', (t) => {
  const spec = modelSpec(modelOptions({ layers: 1, hiddenSize: 4 }), 5)
  const bytes = (lanes: number) => trainingBytes(spec, { moments: 2, lanes, time: 9, device: 'gpu' })
  t.is(bytes(1), 2 * 3 * 4 * parameterCount(spec))
  t.is(bytes(1000), bytes(1))
})

test('the device that was named does the work, and the model tells', async (t) => {
  const engine = new FakeEngine({})
  const model = await trainOn(engine, { device: 'gpu', adapter: 'fake', precision: 'f16', form: 'step', threads: 2 })
  t.like(model.device, { name: 'gpu', reason: "device is 'gpu'" })
  t.not(model.device.description, '')
  t.deepEqual(engine.opened, [
    { name: 'gpu', threads: 2, precision: 'f16', adapter: 'fake', form: 'step', sampleOnCpu: false },
  ])
  model.dispose()
  t.is(engine.held, 0)
})

test('auto leaves a small model on the CPU without asking for GPUs', async (t) => {
  class Unasked extends FakeEngine {
    override devices(): never {
      throw new Error('asked for GPUs')
    }
  }
  const model = await trainOn(new Unasked({}), { device: 'auto' })
  t.is(model.device.name, 'cpu')
  t.regex(model.device.reason, /^a step takes the CPU [\d.]+ ms, too little for a GPU to shorten$/)
  model.dispose()
})

test('auto takes a GPU that is clearly faster, which then samples on the CPU', async (t) => {
  const engine = new FakeEngine({ cpu: SLOW })
  const model = await trainOn(engine, { device: 'auto' })
  t.is(model.device.name, 'gpu')
  t.regex(model.device.reason, /^a step takes the CPU [\d.]+ ms and the GPU [\d.]+ ms$/)
  t.deepEqual(
    engine.opened.map(({ name, sampleOnCpu }) => [name, sampleOnCpu]),
    [
      ['cpu', false],
      ['gpu', true],
    ],
  )
  t.is(engine.held, 1, "the CPU's session was closed")
  model.dispose()
})

test('auto keeps the CPU where the GPU is no faster, is software, is absent or fails', async (t) => {
  const cases: [FakeEngine, RegExp][] = [
    [new FakeEngine({ cpu: SLOW, gpu: { stepMs: 40 } }), /CPU [\d.]+ ms and the GPU [\d.]+ ms/],
    [new FakeEngine({ cpu: SLOW }, [{ ...DISCRETE, kind: 'software' }]), /the only GPU found is software/],
    [new FakeEngine({ cpu: SLOW }, []), /no GPU was found/],
    [new FakeEngine({ cpu: SLOW, gpu: refusing('ERR_DEVICE_FAILED') }), /the GPU cannot be used: its driver crashed/],
    [new FakeEngine({ cpu: SLOW, gpu: { loses: (call) => call === 'train' } }), /cannot be used: .*was lost/],
  ]
  for (const [engine, reason] of cases) {
    const model = await trainOn(engine, { device: 'auto' })
    t.is(model.device.name, 'cpu')
    t.regex(model.device.reason, reason)
    t.is(engine.held, 1, 'the other session was closed')
    model.dispose()
  }
})

test('a GPU that fails auto after it was chosen gives way to the CPU', async (t) => {
  // The parameters are drawn after the choice.
  const engine = new FakeEngine({ cpu: SLOW, gpu: { loses: (call) => call === 'initialize' } })
  const model = await trainOn(engine, { device: 'auto' })
  t.is(model.device.name, 'cpu')
  t.regex(model.device.reason, /the GPU failed before the first step/)
  t.is(engine.held, 1)
  model.dispose()
})

test('what auto measured leaves no trace in the model', async (t) => {
  const measured = await trainOn(new FakeEngine({ cpu: SLOW }, []), { device: 'auto' }, 5)
  const plain = await trainCharModel({ ...TINY, validation: 0, device: 'cpu', steps: 5 })
  t.deepEqual(await bitsOf(measured), await bitsOf(plain))
  t.deepEqual(measured.history, plain.history)
  for (const model of [measured, plain]) model.dispose()
})

for (const [notice, code, adapters, device] of [
  ['the lack of a GPU that would help', 'RNNKIT_NO_GPU', [], 'auto'],
  ['a GPU that is software', 'RNNKIT_SOFTWARE_GPU', [{ ...DISCRETE, kind: 'software' }], 'gpu'],
] as const) {
  test.serial(`${notice} is noticed once in a process`, async (t) => {
    const codes: unknown[] = []
    const hear = (warning: Error & { code?: string }) => codes.push(warning.code)
    process.on('warning', hear)
    for (let i = 0; i < 2; i++)
      (await trainOn(new FakeEngine({ cpu: { stepMs: 25 } }, adapters), { device }, 1)).dispose()
    await new Promise(setImmediate)
    process.off('warning', hear)
    t.deepEqual(codes, [code])
  })
}

test('an abort while auto measures is an abort', async (t) => {
  const stopping = new AbortController()
  const engine = new FakeEngine({
    cpu: SLOW,
    gpu: {
      loses: (call) => {
        if (call === 'train') stopping.abort('enough')
        return false
      },
    },
  })
  const plan = trainCharModelOptions({ ...TINY, steps: 3, device: 'auto', signal: stopping.signal })
  const error = await rejectsWith(t, trainPlanned(plan, engine), 'ERR_ABORTED')
  t.is(error.cause, 'enough')
  t.is(engine.held, 0)
})

test('a GPU that is not there is refused with field and remedy', async (t) => {
  const training = trainCharModel({ ...TINY, steps: 1, device: 'gpu', adapter: 'no adapter has this name' })
  const error = await rejectsWith(t, training, 'ERR_DEVICE_UNAVAILABLE', 'device')
  t.regex(error.message, /'auto' or 'cpu' would do/)
})
