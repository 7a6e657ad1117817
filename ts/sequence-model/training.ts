/** What is particular to sequences in a training: their data are planned, and their shares scored. */
import { refuse } from '../options/check.ts'
import type { FurtherSequencePlan } from '../options/sequence-model.ts'
import { trainFurther, type Ways } from '../training/further.ts'
import { missingData, residentOf } from '../training/model-parts.ts'
import type { SequenceParts } from './parts.ts'
import { planSource, sourceOf } from './plan-data.ts'
import { scoreExamples } from './score.ts'

/** The ways of sequences. */
export const SEQUENCES: Ways<SequenceParts> = {
  dataOption: 'data',
  score: ({ session, spec, ...parts }, part, signal) =>
    scoreExamples(session, spec, residentOf(parts, 'data')[part]!, signal),
  samples: () => undefined,
}

/** Trains further, as `train` was asked to. */
export async function trainSequenceFurther<Model>(
  model: Model,
  parts: SequenceParts,
  plan: FurtherSequencePlan,
): Promise<void> {
  const { data, validationData, recipe } = plan
  if (data === undefined && validationData !== undefined) refuse('validationData', validationData, 'given with data')
  const source = data === undefined ? parts.resident?.source : sourceOf(data, validationData, parts.spec, recipe)
  if (source === undefined) throw missingData('data')
  const planned = planSource(source, parts.spec, recipe)
  await trainFurther(model, parts, plan, SEQUENCES, async () => planned)
}
