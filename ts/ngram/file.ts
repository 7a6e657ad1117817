/** Writes an n-gram model to a file and reads it: by the engine's writer and reader, beside a model that has nothing to say. */
import { isDeepStrictEqual } from 'node:util'
import { openModelFile, refuseHeader, refuseTensor } from '../model/model-file.ts'
import { namingFile } from '../model/naming-file.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { NativeOpened } from '../native/native-session.ts'
import { ngramLoadOptions } from '../options/ngram.ts'
import { pathOption } from '../options/train-char-model.ts'
import { NGRAM_TENSORS, ngramFromFile, ngramToFile } from './checkpoint.ts'
import { biasModel, withBiasModel } from './engine-model.ts'
import type { NgramParts } from './parts.ts'

/** @throws ERR_CHECKPOINT_WRITE, ERR_MEMORY */
export async function saveNgramModel(path: unknown, parts: NgramParts): Promise<void> {
  const file = pathOption('path', path)
  const { metadata, tensors } = ngramToFile(parts)
  await namingFile(file, () => withBiasModel(parts.size, (session) => session.save(file, metadata, tensors, false)))
}

/** @throws ERR_CHECKPOINT_…, ERR_INVALID_OPTION, ERR_MEMORY */
export async function loadNgramModel(path: unknown, options: unknown): Promise<NgramParts> {
  const maxFileBytes = ngramLoadOptions(options)
  const file = pathOption('path', path)
  return await namingFile(file, async () => {
    const opened = await openModelFile(file, maxFileBytes, 'ngram-model', NGRAM_TENSORS)
    const parts = ngramFromFile(JSON.parse(opened.metadata) as Record<string, string>, opened.extras)
    checkBiasModel(opened, parts.size)
    return parts
  })
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_TENSOR */
function checkBiasModel({ model, parameters }: NativeOpened, size: number): void {
  const { input, layers, head, loss } = JSON.parse(model) as ModelSpec
  const wants = biasModel(size)
  if (!isDeepStrictEqual({ input, layers, head, loss }, wants))
    refuseHeader('model', `it must be ${JSON.stringify(wants)}, as every n-gram model of ${size} symbols has it`)
  if (parameters.some((value) => value !== 0)) refuseTensor('parameters', 'they must be 0: an n-gram model has none')
}
