/** Whether a model can be saved to a path, asked before the work whose result it is to hold. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RnnKitError } from '../index.ts'

/** @throws ERR_CHECKPOINT_WRITE */
export async function checkOut(out: string): Promise<void> {
  if (out === '') throw unwritable(out, '--out is empty: it must be the path of a file')
  const present = await stat(out).catch(() => undefined)
  if (present?.isDirectory()) throw unwritable(out, `${out}: it is a folder; expected the name of a file`)
  const folder = dirname(out)
  const around = await stat(folder).catch(() => undefined)
  if (around === undefined) throw unwritable(out, `${out}: there is no folder ${folder}; make it first`)
  if (!around.isDirectory()) throw unwritable(out, `${out}: ${folder} is no folder`)
  await access(folder, constants.W_OK).catch(() => {
    throw unwritable(out, `${out}: no file can be made in ${folder}: permission denied`)
  })
}

function unwritable(out: string, message: string): RnnKitError {
  return new RnnKitError({ code: 'ERR_CHECKPOINT_WRITE', message, field: 'path', value: out })
}
