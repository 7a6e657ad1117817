/** Reads one text file: UTF-8 from a regular file, strictly unless asked otherwise; everything else is refused with a typed error. */
import { constants, isUtf8 } from 'node:buffer'
import { constants as fsConstants, type Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { RnnKitError } from '../errors.ts'
import { describe } from '../options/check.ts'
import type { InvalidPolicy } from '../options/corpus.ts'
import { inSlices, type Sliced } from '../slices.ts'
import { decodedLength, firstInvalidByte } from './utf8.ts'

/** UTF-16 code units of the longest string that this JavaScript engine can hold. */
export const LONGEST_TEXT = constants.MAX_STRING_LENGTH

/** A code unit takes at most three bytes of UTF-8, so a larger file cannot become one string. */
const LARGEST_FILE = 3 * LONGEST_TEXT

/** Bytes decoded in one go. */
const BYTES = 2 ** 20

/**
 * The file's text, without the byte order mark at its beginning if it has one.
 * @param field the option that names the file, for errors
 * @param invalid whether bytes that are not UTF-8 are refused or replaced by U+FFFD, as the Encoding standard says
 * @throws the signal's reason; ERR_CORPUS_FILE (missing, not a regular file, no permission, too large, changed meanwhile), ERR_INVALID_UTF8
 */
export async function readTextFile(
  field: string,
  path: string,
  invalid: InvalidPolicy,
  signal?: AbortSignal,
): Promise<string> {
  // Before opening: to open a FIFO or a device can wait, or act on the device.
  refuseUnlessText(field, path, await attempt(field, path, () => stat(path)))
  const bytes = await readRegularFile(field, path)
  return await inSlices(decoding(field, path, bytes, invalid), signal)
}

async function readRegularFile(field: string, path: string): Promise<Buffer> {
  // Non-blocking, because the path may have become a FIFO since it was looked at.
  const flags = fsConstants.O_RDONLY | (fsConstants.O_NONBLOCK ?? 0)
  const file = await attempt(field, path, () => open(path, flags))
  try {
    const before = await attempt(field, path, () => file.stat())
    refuseUnlessText(field, path, before)
    const bytes = await attempt(field, path, () => file.readFile())
    const after = await attempt(field, path, () => file.stat())
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw fileError(field, path, 'was changed while it was read: train again when nothing writes to it')
    }
    return bytes
  } finally {
    await file.close()
  }
}

function* decoding(field: string, path: string, bytes: Buffer, invalid: InvalidPolicy): Sliced<string> {
  const valid = isUtf8(bytes)
  if (!valid && invalid === 'error') {
    const offset = firstInvalidByte(bytes)
    throw new RnnKitError({
      code: 'ERR_INVALID_UTF8',
      message: `${field}: ${describe(path)} is not UTF-8 text, first at byte ${offset} (0x${bytes[offset]!.toString(16).padStart(2, '0')}): convert it to UTF-8, or replace such bytes with corpus.invalid 'replace'`,
      field,
      value: path,
      position: offset,
    })
  }
  // An invalid sequence of bytes makes one code unit, so that the text is no longer than its bytes.
  if (bytes.length > LONGEST_TEXT && (!valid || decodedLength(bytes) > LONGEST_TEXT)) throw tooLarge(field, path)
  const decoder = new TextDecoder('utf-8')
  const slices: string[] = []
  for (let from = 0; from < bytes.length; from += BYTES) {
    slices.push(decoder.decode(bytes.subarray(from, from + BYTES), { stream: true }))
    yield
  }
  return slices.join('') + decoder.decode()
}

function refuseUnlessText(field: string, path: string, stats: Stats): void {
  if (stats.isDirectory()) throw fileError(field, path, 'is a directory: name the files in it')
  if (!stats.isFile()) throw fileError(field, path, `is a ${specialKind(stats)}: it must be a regular file`)
  if (stats.size > LARGEST_FILE) throw tooLarge(field, path)
}

function specialKind(stats: Stats): string {
  if (stats.isFIFO()) return 'FIFO'
  return stats.isSocket() ? 'socket' : 'device'
}

function tooLarge(field: string, path: string): RnnKitError {
  const limit = `a corpus can have at most ${LONGEST_TEXT.toLocaleString('en')} UTF-16 code units`
  return fileError(field, path, `is too large: ${limit}, use a part of it`)
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: permission denied',
  ELOOP: 'is a circle of symbolic links',
  ENAMETOOLONG: 'is too long a path',
}

async function attempt<T>(field: string, path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw fileError(field, path, REASONS[code] ?? `cannot be read: ${message}`, cause)
  }
}

function fileError(field: string, path: string, what: string, cause?: unknown): RnnKitError {
  const message = `${field}: ${describe(path)} ${what}`
  return new RnnKitError({ code: 'ERR_CORPUS_FILE', message, field, value: path, cause })
}
