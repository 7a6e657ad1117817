/** Makes an n-gram model: options, text, vocabulary, counts, scores of what was kept from counting. */
import { stoppable } from '../aborted.ts'
import { readCorpus } from '../corpus/read-corpus.ts'
import { type Range, splitCorpus } from '../corpus/split.ts'
import { Vocabulary } from '../corpus/vocabulary.ts'
import { RnnKitError } from '../errors.ts'
import { type NgramPlan, type TrainNgramModelOptions, trainNgramModelOptions } from '../options/ngram.ts'
import { inSlices } from '../slices.ts'
import { countGrams } from './count-grams.ts'
import { NgramModel } from './ngram-model.ts'
import type { NgramParts, Score } from './parts.ts'
import { scoring } from './score.ts'

/**
 * Counts the n-grams of a text: the baseline that a recurrent network must beat. With the same `corpus`, `vocabulary`, `validation` and
 * `test` as for `trainCharModel` both know the same symbols and are scored on the same text.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_MISSING_OPTION; of the text ERR_CORPUS_…, ERR_INVALID_UTF8, ERR_LONE_SURROGATE,
 *   ERR_VOCABULARY; ERR_MEMORY, ERR_ABORTED
 */
export async function trainNgramModel(options: TrainNgramModelOptions): Promise<NgramModel> {
  const plan = trainNgramModelOptions(options)
  return new NgramModel(await stoppable('the training', plan.signal, () => counted(plan)))
}

async function counted(plan: NgramPlan): Promise<NgramParts> {
  const { order, smoothing, signal } = plan
  const text = await readCorpus(plan.corpus, plan.vocabulary.unit, signal)
  const vocabulary = await inSlices(Vocabulary.building(text, plan.vocabulary), signal)
  const ids = await inSlices(vocabulary.encoding(text, 'corpus'), signal)
  const split = splitCorpus(ids.length, plan.validation, plan.test)
  refuseShort('training text', split.train, order, `the order ${order}`, ids)
  const grams = await inSlices(countGrams(ids.subarray(...split.train), order, vocabulary.size), signal)
  const smoothed = { smoothing, size: vocabulary.size }
  const score = async (name: 'validation' | 'test'): Promise<Score | undefined> => {
    if (plan[name] === 0) return undefined
    refuseShort(`${name} share ${plan[name]}`, split[name], 2, 'being scored', ids)
    return await inSlices(scoring(grams, smoothed, ids.subarray(...split[name])), signal)
  }
  const scores = { validation: await score('validation'), test: await score('test') }
  const { lowercase, newlines } = plan.corpus
  return { ...smoothed, grams, vocabulary, rules: { lowercase, newlines }, scores }
}

function refuseShort(what: string, [from, to]: Range, least: number, use: string, ids: Uint32Array): void {
  if (to - from >= least) return
  throw new RnnKitError({
    code: 'ERR_CORPUS_TOO_SHORT',
    message: `corpus has ${ids.length} symbols, of which the ${what} gets ${to - from}: for ${use} it must have at least ${least}, so take a longer text or other shares`,
    field: 'corpus',
    value: ids.length,
  })
}
