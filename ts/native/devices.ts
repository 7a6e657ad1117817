/** The devices of this machine, as the engine knows them. */
import type { CellName } from '../options/cell.ts'
import { binding } from './binding.ts'
import type { EngineDevice } from './engine-session.ts'
import { unwrap } from './unwrap.ts'

/** A GPU, or what plays one. */
export interface Adapter {
  readonly name: string
  /** 'software' is the processor, playing a GPU: for tests. */
  readonly kind: 'discrete' | 'integrated' | 'virtual' | 'other' | 'software'
  readonly backend: 'vulkan' | 'metal' | 'dx12'
  readonly driver: string
  /** Largest buffer that a shader can see, in bytes. */
  readonly maxBufferBytes: number
  /** Memory of a workgroup, in bytes. */
  readonly workgroupBytes: number
  readonly workgroupThreads: number
  /** Fewest and most threads of a subgroup. */
  readonly subgroup: readonly [fewest: number, most: number]
  /** Whether it computes in 16 bits. */
  readonly f16: boolean
  /** The largest hidden size that takes the resident form; above it the step form runs. */
  readonly residentUpTo: readonly { readonly cell: CellName; readonly size: number }[]
}

export interface Devices {
  /** Of the addon. */
  readonly version: string
  /** The widest vector instructions of the processor that the build can use. */
  readonly cpu: string
  /** As many as run at once. */
  readonly threads: number
  /** Whether the build has a GPU backend. */
  readonly gpu: boolean
  /** The best first; their places are their numbers. */
  readonly adapters: readonly Adapter[]
}

export async function describeDevices(): Promise<Devices> {
  const { devices } = await unwrap(() => binding.describeDevices())
  return JSON.parse(devices) as Devices
}

/** @throws ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_FAILED if no session can be opened there, ERR_INVALID_OPTION */
export async function checkDevice(device: EngineDevice): Promise<void> {
  await unwrap(() => binding.checkDevice(JSON.stringify(device)))
}
