/** Whether a model can be saved to a path, asked before the work whose result it is to hold. */
import { randomUUID } from 'node:crypto'
import { lstat, open, readlink, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { RnnKitError } from '../index.ts'

/** The longest name of a file, in bytes, on the file systems there are. */
const LONGEST_NAME = 255
/** As many links as Linux follows. */
const MOST_LINKS = 40

/** @throws ERR_CHECKPOINT_WRITE */
export async function checkOut(out: string): Promise<void> {
  if (out === '') throw unwritable(out, '--out is empty: it must be the path of a file')
  if (/[/\\]$/.test(out)) throw unwritable(out, `${out}: it names a folder; expected the name of a file`)
  const target = await behindLinks(out)
  const present = await stat(target).catch(() => undefined)
  if (present?.isDirectory()) throw unwritable(out, `${out}: it is a folder; expected the name of a file`)
  if (present && !present.isFile()) throw unwritable(out, `${out}: it is no regular file`)
  if (Buffer.byteLength(basename(target)) > LONGEST_NAME) {
    throw unwritable(out, `${out}: the name is longer than ${LONGEST_NAME} bytes`)
  }
  await checkFolder(out, dirname(target))
}

/** Where a file of that name would lie: a link is followed, also one to a file that is not there yet. */
async function behindLinks(out: string): Promise<string> {
  let path = resolve(out)
  for (let links = 0; links <= MOST_LINKS; links++) {
    const there = await lstat(path).catch(() => undefined)
    if (!there?.isSymbolicLink()) return path
    path = resolve(await realpath(dirname(path)), await readlink(path))
  }
  throw unwritable(out, `${out}: its links lead in a circle`)
}

/** Makes a file in the folder and takes it away again: what may be written to where is the system's to say. */
async function checkFolder(out: string, folder: string): Promise<void> {
  const around = await stat(folder).catch(() => undefined)
  if (around === undefined) throw unwritable(out, `${out}: there is no folder ${folder}; make it first`)
  if (!around.isDirectory()) throw unwritable(out, `${out}: ${folder} is no folder`)
  const probe = join(folder, `.rnnkit-${randomUUID()}.probe`)
  try {
    await (await open(probe, 'wx')).close()
    await rm(probe)
  } catch (error) {
    throw unwritable(out, `${out}: no file can be made in ${folder}: ${(error as Error).message}`)
  }
}

function unwritable(out: string, message: string): RnnKitError {
  return new RnnKitError({ code: 'ERR_CHECKPOINT_WRITE', message, field: 'path', value: out })
}
