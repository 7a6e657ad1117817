/** Writes text with an n-gram model, on a session of the engine that lasts as long as the text. */
import type { Sampling } from '../options/sampling.ts'
import { smallPortion, startOfText, type Writing, write, writeWhole } from '../sampling/sampling.ts'
import { openBiasModel, withBiasModel } from './engine-model.ts'
import { NgramSampler } from './ngram-sampler.ts'
import type { NgramParts } from './parts.ts'

type Start = Omit<Writing, 'portion' | 'turn' | 'session'>

export async function writeNgramText(parts: NgramParts, sampling: Sampling): Promise<string> {
  const start = startOf(parts, sampling)
  return await withBiasModel(parts.size, (session) => {
    return writeWhole({ ...start, session: new NgramSampler(parts, session) })
  })
}

export async function* streamNgramText(parts: NgramParts, sampling: Sampling): AsyncGenerator<string, void, undefined> {
  const start = startOf(parts, sampling)
  const session = await openBiasModel(parts.size)
  try {
    const sampler = new NgramSampler(parts, session)
    yield* write({ ...start, session: sampler, portion: smallPortion, turn: (call) => call() })
  } finally {
    session.close()
  }
}

function startOf(parts: NgramParts, sampling: Sampling): Start {
  // The engine's own context sees nothing but what the sampler feeds it for form's sake.
  return { ...startOfText(parts, sampling), context: 'carry', unrollLength: 1 }
}
