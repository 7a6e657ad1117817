/** What is particular to text in a training: its text is read, its shares scored, and samples written on the way. */
import { normaliseText, readCorpus } from '../corpus/read-corpus.ts'
import { lossReduction } from '../model/spec.ts'
import { isBidirectional } from '../options/bidirectional.ts'
import type { NormalCorpusOptions } from '../options/corpus.ts'
import type { FurtherPlan } from '../options/train-char-model.ts'
import type { RunPlan } from '../options/training.ts'
import { prefixSymbols } from '../sampling/sampling.ts'
import { inSlices } from '../slices.ts'
import { evaluate } from '../training/evaluation.ts'
import { trainFurther, type Ways } from '../training/further.ts'
import { missingData, residentOf } from '../training/model-parts.ts'
import type { Sample } from '../training/progress.ts'
import type { Recurring } from '../training/training-loop.ts'
import { type CharParts, type ResidentPart, usualContext } from './parts.ts'
import { planText } from './plan-text.ts'
import { writeText } from './writing.ts'

/** The ways of text. */
export const TEXT: Ways<CharParts> = {
  dataOption: 'corpus',
  score: (parts, part, signal) =>
    evaluate(parts.session, evaluationPlan(parts, residentOf(parts, 'corpus')[part]!, signal)),
  samples: samplesOf,
}

/** Trains further, as `train` was asked to. */
export async function trainCharFurther<Model>(model: Model, parts: CharParts, plan: FurtherPlan): Promise<void> {
  const { recipe, run, corpus } = plan
  refuseUnknownPrefixes(parts, run)
  await trainFurther(model, parts, plan, TEXT, async () => {
    const ids = corpus === undefined ? parts.resident?.ids : await readIds(parts, corpus, run.signal)
    if (ids === undefined) throw missingData('corpus')
    return planText(ids, recipe)
  })
}

async function readIds(
  { vocabulary }: CharParts,
  corpus: NormalCorpusOptions,
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const text = await readCorpus(corpus, vocabulary.unit, signal)
  return await inSlices(vocabulary.encoding(text, 'corpus'), signal)
}

export function evaluationPlan(
  parts: CharParts,
  { data, symbols }: ResidentPart,
  signal: AbortSignal | undefined,
  context = usualContext(parts),
) {
  return {
    data,
    symbols,
    context,
    unrollLength: parts.recipe.unrollLength,
    lastStep: parts.spec.head.predict === 'lastStep',
    bidirectional: isBidirectional(parts.spec),
    reduction: lossReduction(parts.spec),
    signal,
  }
}

function samplesOf(parts: CharParts, { samples }: RunPlan): Recurring<Sample[]> | undefined {
  if (samples === undefined) return undefined
  return {
    every: samples.every,
    make: async (signal) => {
      const written: Sample[] = []
      for (const sampling of samples.samplings) {
        const text = await writeText(parts, { ...sampling, signal })
        written.push({ prefix: sampling.prefix, text, temperature: sampling.choice.temperature })
      }
      return written
    },
  }
}

/** Prefixes are looked at before any training, not when the first sample is due. */
export function refuseUnknownPrefixes(
  { vocabulary, rules }: Pick<CharParts, 'vocabulary' | 'rules'>,
  { samples }: RunPlan,
): void {
  for (const { field, prefix } of samples?.samplings ?? []) {
    prefixSymbols(vocabulary, field, normaliseText(prefix, { ...rules, field, normalize: undefined }))
  }
}
