/** Reads a model of text from a file. */
import { ENGINE, type EngineDoor } from '../device/engine-door.ts'
import { refuseKeptCarry, refuseSeenAnswers } from '../options/bidirectional.ts'
import { loadModel, refuseMismatch } from '../training/load-model.ts'
import { CHAR_TENSORS, type CharState, charFromFile } from './checkpoint.ts'
import type { CharParts } from './parts.ts'

/** @throws ERR_CHECKPOINT_…, ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_… */
export async function loadCharModel(path: unknown, options: unknown, engine: EngineDoor = ENGINE): Promise<CharParts> {
  return await loadModel<CharState>(
    path,
    options,
    {
      kind: 'char-model',
      tensors: CHAR_TENSORS,
      read: charFromFile,
      check: (spec, { vocabulary, recipe }) => {
        if (spec.head.size !== vocabulary.size)
          refuseMismatch('vocabulary', `${vocabulary.size} symbols`, `${spec.head.size}`)
        refuseSeenAnswers(spec, spec.head.predict === 'everyStep')
        refuseKeptCarry(spec, recipe.batches)
      },
    },
    engine,
  )
}
