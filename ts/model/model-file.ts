/** What every kind of model has in its file: a kind, options and tensors beside the engine's, which are read with everything checked. */
import { RnnKitError } from '../errors.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { type NativeOpened, openCheckpoint } from '../native/native-session.ts'

/** What reads each kind of file. */
const LOADERS = {
  'char-model': 'CharModel.load',
  'sequence-model': 'SequenceModel.load',
  'series-model': 'SeriesModel.load',
  'ngram-model': 'NgramModel.load',
} as const

export type ModelKind = keyof typeof LOADERS

/** A tensor that a file must or may hold beside the engine's. */
export interface TensorRule {
  readonly name: string
  readonly dtype: FileTensor['dtype']
  /** Number of dimensions. */
  readonly rank: number
  readonly optional: boolean
}

/** @throws ERR_CHECKPOINT_…; of another kind of model ERR_CHECKPOINT_HEADER, which says what reads that */
export async function openModelFile(
  path: string,
  maxFileBytes: number,
  kind: ModelKind,
  extras: readonly TensorRule[],
): Promise<NativeOpened> {
  return await openCheckpoint(path, maxFileBytes, JSON.stringify({ kind, loaders: LOADERS, extras }))
}

/** A list of numbers as a tensor of one dimension. */
export function fileTensor(
  name: string,
  dtype: FileTensor['dtype'],
  values: Uint8Array | Uint32Array | Float64Array,
): FileTensor {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return { name, dtype, shape: [values.length], data }
}

/** A tensor as it was read. */
export interface StoredTensor {
  readonly name: string
  readonly data: Uint8Array
}

/** The tensors that were found in a file, by name. */
export class FoundTensors {
  readonly #bytes: ReadonlyMap<string, Uint8Array>

  constructor(tensors: readonly StoredTensor[]) {
    this.#bytes = new Map(tensors.map(({ name, data }) => [name, data]))
  }

  has(name: string): boolean {
    return this.#bytes.has(name)
  }

  /**
   * A copy, so that the numbers begin where their size demands.
   * @throws ERR_CHECKPOINT_TENSOR where there is none of that name
   */
  buffer(name: string): ArrayBuffer {
    return Uint8Array.from(this.#bytes.get(name) ?? refuseTensor(name, 'it is missing')).buffer
  }
}

/** Refuses metadata that the kind does not have. @throws ERR_CHECKPOINT_HEADER */
export function checkKeys(metadata: Record<string, string>, kind: ModelKind, keys: readonly string[]): void {
  const foreign = Object.keys(metadata).find((key) => key !== 'kind' && !keys.includes(key))
  if (foreign !== undefined) refuseHeader(foreign, `it is none of what a model of kind '${kind}' has`)
}

/** What `read` makes of the metadata's options. @throws ERR_CHECKPOINT_HEADER for whatever it throws */
export function readOptions<T>(metadata: Record<string, string>, read: (options: unknown) => T): T {
  try {
    return read(JSON.parse(metadata.options ?? ''))
  } catch (cause) {
    return refuseHeader('options', cause instanceof Error ? cause.message : 'they cannot be read', cause)
  }
}

export function refuseHeader(key: string, problem: string, cause?: unknown): never {
  const field = `metadata.${key}`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_HEADER', message: `${field}: ${problem}`, field, cause })
}

export function refuseTensor(name: string, problem: string): never {
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_TENSOR', message: `${name}: ${problem}`, field: name })
}
