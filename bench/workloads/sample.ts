/** Measures how fast a workload's model writes, in this process, and prints one JSON line: `node sample.mjs JOB`, the job as JSON. */
import type { CharModel } from 'rnnkit'
import { median } from '../../ts/metrics.ts'
import { peakMemory, watchCores } from '../machine.ts'
import type { MeasuredSample } from '../measured.ts'
import { givenJob, type Job } from './job.ts'
import { charModel } from './model.ts'
import { countingNativeCalls } from './native-calls.ts'
import { measuredBy, printResult } from './result.ts'

const CHARACTERS = 10_000
const QUICK_CHARACTERS = 200

await printResult(() => measure(givenJob()))

async function measure(job: Job): Promise<MeasuredSample> {
  const calls = countingNativeCalls()
  const model = await charModel(job)
  const length = job.setting.quick ? QUICK_CHARACTERS : CHARACTERS
  await write(model, QUICK_CHARACTERS, 0)
  const stopCores = watchCores()
  const clock = performance.now()
  const each: number[] = []
  const before = calls()
  for (let seed = 1; seed === 1 || performance.now() - clock < 1000 * job.setting.seconds; seed++) {
    each.push(await write(model, length, seed))
  }
  const { description } = model.device
  model.dispose()
  return {
    ...measuredBy(job, description),
    workload: `sample ${job.id}`,
    idiom: 'one-hot',
    chars_per_s: Math.round((1000 * length) / median(each)),
    characters: length,
    native_calls: (calls() - before) / each.length,
    rss_mb: Math.round(peakMemory()),
    ...stopCores(),
  }
}

/** Milliseconds that a text took. The carry goes through the whole of it, also with a model of separate windows. */
async function write(model: CharModel, length: number, seed: number): Promise<number> {
  const clock = performance.now()
  const text = await model.sample({ length, temperature: 0.8, seed, context: 'carry' })
  if (text.length !== length) throw new Error(`the model wrote ${text.length} characters, not ${length}`)
  return performance.now() - clock
}
