/** The parts of a text that lie in the engine. */
import type { CorpusSplit, Range } from '../corpus/split.ts'
import { type Session, textSequence } from '../native/engine-session.ts'
import type { ResidentPart, ResidentText } from './parts.ts'

export async function loadText(session: Session, ids: Uint32Array, split: CorpusSplit): Promise<ResidentText> {
  const load = async ([from, to]: Range): Promise<ResidentPart> => {
    return { data: await session.load(textSequence(ids.subarray(from, to))), symbols: to - from }
  }
  const unlessEmpty = async (range: Range) => (range[1] > range[0] ? await load(range) : undefined)
  const train = await load(split.train)
  const validation = await unlessEmpty(split.validation)
  const test = await unlessEmpty(split.test)
  return {
    ids,
    split,
    numbers: [train, validation, test].flatMap((part) => part?.data ?? []),
    trainingData: train.data,
    validation,
    test,
    reload: (another) => loadText(another, ids, split),
  }
}
