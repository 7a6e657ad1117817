/** Reads and writes the small safetensors files of reference cases. Models have a reader of their own, which trusts nothing. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface Tensor {
  shape: number[]
  data: Float32Array | Int32Array
}

export interface Case {
  metadata: Record<string, string>
  tensors: Map<string, Tensor>
}

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

const HEADER_LENGTH_BYTES = 8
const ALIGNMENT = 8

export function readTensors(path: string): Case {
  const file = readFileSync(path)
  const start = HEADER_LENGTH_BYTES + Number(file.readBigUInt64LE(0))
  const header: Record<string, unknown> = JSON.parse(file.toString('utf8', HEADER_LENGTH_BYTES, start))
  const metadata = (header.__metadata__ ?? {}) as Record<string, string>
  const tensors = new Map<string, Tensor>()
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { dtype, shape, data_offsets: offsets } = value as Entry
    // A copy, since typed arrays want aligned memory.
    const bytes = new Uint8Array(file.subarray(start + offsets[0], start + offsets[1])).buffer
    if (dtype !== 'F32' && dtype !== 'I32')
      throw new Error(`${path}: ${name} has the type ${dtype}; expected F32 or I32`)
    tensors.set(name, { shape, data: dtype === 'F32' ? new Float32Array(bytes) : new Int32Array(bytes) })
  }
  return { metadata, tensors }
}

export function writeTensors(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  const header: Record<string, Entry> = {}
  let length = 0
  for (const [name, { shape, data }] of tensors) {
    const dtype = data instanceof Float32Array ? 'F32' : 'I32'
    header[name] = { dtype, shape, data_offsets: [length, length + data.byteLength] }
    length += data.byteLength
  }
  const text = JSON.stringify(header)
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / ALIGNMENT) * ALIGNMENT))
  const size = Buffer.alloc(HEADER_LENGTH_BYTES)
  size.writeBigUInt64LE(BigInt(padded.length))
  const parts = [...tensors.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  writeFileSync(path, Buffer.concat([size, padded, ...parts]))
}
