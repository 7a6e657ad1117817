/** From a text that a model met after its training to the symbols it is scored on. */
import { refuseUnscorable } from '../batches/index.ts'
import { normalising } from '../corpus/read-corpus.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import type { TextRules } from '../options/corpus.ts'
import { inSlices } from '../slices.ts'

/**
 * The ids of a text, normalised as the corpus was.
 * @throws the signal's reason; ERR_CORPUS_TOO_SHORT for fewer than two symbols, ERR_UNKNOWN_SYMBOL
 */
export async function scorableIds(
  { vocabulary, rules }: { readonly vocabulary: Vocabulary; readonly rules: TextRules },
  text: string,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const normal = await inSlices(normalising(text, { ...rules, field: 'text', normalize: undefined }), signal)
  const ids = await inSlices(vocabulary.encoding(normal, 'text'), signal)
  refuseUnscorable(ids.length)
  return ids
}
