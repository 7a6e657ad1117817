/** The metadata of a safetensors file that was loaded before, and so is known to be whole. */
import { open } from 'node:fs/promises'

/** The file begins with the header's length in bytes (u64, little-endian), then the header as JSON. */
const LENGTH_BYTES = 8

export async function readMetadata(file: string): Promise<Record<string, string>> {
  const handle = await open(file)
  try {
    const length = Buffer.alloc(LENGTH_BYTES)
    await handle.read(length, 0, LENGTH_BYTES, 0)
    const header = Buffer.alloc(Number(length.readBigUInt64LE()))
    await handle.read(header, 0, header.length, LENGTH_BYTES)
    const { __metadata__ = {} } = JSON.parse(header.toString('utf8')) as { __metadata__?: Record<string, string> }
    return __metadata__
  } finally {
    await handle.close()
  }
}
