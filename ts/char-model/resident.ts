/** The parts of a text that lie in the engine. */
import type { CorpusSplit, Range } from '../corpus/split.ts'
import { RnnKitError } from '../errors.ts'
import type { Session } from '../native/engine-session.ts'
import type { CharParts, ResidentText } from './parts.ts'
import type { PlannedText } from './plan-text.ts'

/** Hands the parts of the text to the session, unless they lie there already, and takes those of another text away. */
export async function makeResident(parts: CharParts, { ids, split }: PlannedText): Promise<void> {
  const { session, text: old } = parts
  if (old?.ids === ids && JSON.stringify(old.split) === JSON.stringify(split)) return
  parts.text = undefined
  for (const part of [old?.train, old?.validation, old?.test]) {
    if (part !== undefined) await session.unload(part.data)
  }
  parts.text = await loadText(session, ids, split)
}

export async function loadText(session: Session, ids: Uint32Array, split: CorpusSplit): Promise<ResidentText> {
  const load = async ([from, to]: Range) => ({ data: await session.load(ids.subarray(from, to)), symbols: to - from })
  const unlessEmpty = async (range: Range) => (range[1] > range[0] ? await load(range) : undefined)
  return {
    ids,
    split,
    train: await load(split.train),
    validation: await unlessEmpty(split.validation),
    test: await unlessEmpty(split.test),
  }
}

/** @throws ERR_MISSING_OPTION for a model that was given none since it was loaded */
export function residentOf(parts: CharParts): ResidentText {
  if (parts.text === undefined) throw missingCorpus()
  return parts.text
}

export function missingCorpus(): RnnKitError {
  const message = 'corpus is missing: files hold no text, so a loaded model must be given one to train on'
  return new RnnKitError({ code: 'ERR_MISSING_OPTION', message, field: 'corpus' })
}
