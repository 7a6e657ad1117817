/** Measures the training of one workload in this process and prints one JSON line: `node workload.mjs JOB`, the job as JSON. */

import { peakMemory, secondsSinceProcessStart } from '../machine.ts'
import type { Measured } from '../measured.ts'
import { givenJob, type Job } from './job.ts'
import { usefulFlops } from './list.ts'
import { ENDLESS, trainedOneStep, trainOn } from './model.ts'
import { measuredBy, printResult } from './result.ts'
import { StepWatch } from './step-watch.ts'

await printResult(() => measure(givenJob()))

async function measure(job: Job): Promise<Measured> {
  const { workload, setting } = job
  const model = await trainedOneStep(job)
  const firstStep = secondsSinceProcessStart()
  const watch = new StepWatch(setting.seconds)
  await trainOn(model, ENDLESS, watch)
  const milliseconds = watch.median()
  const description = model.device.description
  model.dispose()
  const round = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    ...measuredBy(job, description),
    idiom: idiomOf(job),
    tokens_per_s: Math.round((1000 * workload.B * workload.T) / milliseconds),
    step_ms_median: round(milliseconds, 4),
    wall_ms_per_step: round(watch.wallMilliseconds, 4),
    rss_mb: Math.round(peakMemory()),
    first_step_s: round(firstStep, 2),
    gflops: round(usefulFlops(workload) / milliseconds / 1e6, 2),
    steps: watch.steps,
    timing: watch.timing,
    ...watch.cores,
  }
}

function idiomOf({ workload }: Job): Measured['idiom'] {
  if (workload.in !== undefined) return 'numbers'
  return workload.embed === undefined ? 'one-hot' : 'embedding'
}
