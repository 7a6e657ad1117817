/** Writes text with a model of text: chooses the context, and shares the model's turns with all that read it. */

import { RnnKitError } from '../errors.ts'
import type { Sampling } from '../options/sampling.ts'
import { smallPortion, startOfText, type Writing, write, writeWhole } from '../sampling/sampling.ts'
import { type CharParts, contextOf } from './parts.ts'

/** The whole text, written in one turn: a training waits, and its next steps do not show in the text. */
export async function writeText(parts: CharParts, sampling: Sampling): Promise<string> {
  return await parts.turns.share(() => writeWhole(writing(parts, sampling)), sampling.signal)
}

/** The text piece by piece; a training goes on between the pieces, and shows in those after. */
export function streamText(parts: CharParts, sampling: Sampling): AsyncGenerator<string, void, undefined> {
  const { session } = parts
  const call = async <T>(task: () => Promise<T>): Promise<T> => {
    if (parts.session !== session && !parts.disposed) throw lostStream()
    return await task()
  }
  const turn = <T>(task: () => Promise<T>) => parts.turns.share(() => call(task), sampling.signal)
  return write({ ...writing(parts, sampling), portion: smallPortion, turn })
}

/** The carry of a stream is in no snapshot. */
function lostStream(): RnnKitError {
  const message = 'the GPU was lost on which this text was being written: begin another, the model is on the CPU now'
  return new RnnKitError({ code: 'ERR_DEVICE_LOST', message, field: 'device', value: 'gpu' })
}

function writing(parts: CharParts, sampling: Sampling): Omit<Writing, 'portion' | 'turn'> {
  const { session, recipe } = parts
  const contextField = sampling.field === '' ? 'context' : 'samples.context'
  return {
    ...startOfText(parts, sampling),
    session,
    context: contextOf(parts, contextField, sampling.context),
    unrollLength: recipe.unrollLength,
  }
}
