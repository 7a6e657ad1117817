/** The options that say on which device a model's work is done, and what becomes of a model whose GPU is lost. */
import { availableParallelism } from 'node:os'
import { integer, oneOf, optional, refuse } from './check.ts'
import { orDefault } from './or-default.ts'

export interface DeviceOptions {
  /**
   * 'gpu': ERR_DEVICE_UNAVAILABLE without one. 'auto': the CPU, unless a training's steps are long there and measured to be clearly
   * shorter on a GPU; what samples is the CPU then. A loaded model has no steps to measure and stays on the CPU. 'reference' are slow
   * plain loops, to compare with. The last bits of results differ from device to device. @default 'auto'
   */
  device?: DeviceName
  /** Threads that share one model's work on the CPU; results do not depend on it. @default one for each processor */
  threads?: number
  /** Of a GPU's packed weights; parameters, sums and cell states are 'f32' in any case. 'f16' is refused on a CPU. @default 'f32' */
  precision?: Precision
  /** Which GPU: its number in `rnnkit devices`, or a part of its name. @default the first, so software only where nothing else is */
  adapter?: string | number
  /**
   * How recurrent layers run on a GPU: 'step', one dispatch a time step; 'resident', one a layer, refused where a layer has more units
   * than a workgroup has threads (`rnnkit devices` tells them). @default by a table of cell, size and batch
   */
  form?: GpuForm
  /**
   * When a GPU is lost: 'cpu' goes on on the CPU from the last snapshot (about every 30 s), with a warning; 'error' rejects with
   * ERR_DEVICE_LOST, a training with a TrainingError, and the model is on the CPU then, as that snapshot. @default 'cpu'
   */
  onDeviceLost?: OnDeviceLost
}

export type DeviceName = 'auto' | 'cpu' | 'gpu' | 'reference'
export type Precision = 'f32' | 'f16'
export type GpuForm = 'step' | 'resident'
export type OnDeviceLost = 'cpu' | 'error'

/** Checked options of a device. */
export interface Device {
  readonly name: DeviceName
  readonly threads: number
  readonly precision: Precision
  readonly adapter: string | undefined
  readonly form: GpuForm | undefined
  readonly onLost: OnDeviceLost
}

export const DEVICE_KEYS = ['device', 'threads', 'precision', 'adapter', 'form', 'onDeviceLost'] as const

type Given = { readonly [K in (typeof DEVICE_KEYS)[number]]?: unknown }

export function deviceOptions(given: Given): Device {
  const device = {
    name: oneOf('device', orDefault(given.device, 'auto'), ['auto', 'cpu', 'gpu', 'reference']),
    threads: integer('threads', orDefault(given.threads, availableParallelism()), { min: 1, max: 1024 }),
    precision: oneOf('precision', orDefault(given.precision, 'f32'), ['f32', 'f16']),
    adapter: optional(given.adapter, adapterOption),
    form: optional(given.form, (v) => oneOf('form', v, ['step', 'resident'])),
    onLost: oneOf('onDeviceLost', orDefault(given.onDeviceLost, 'cpu'), ['cpu', 'error']),
  }
  if (device.name === 'cpu' || device.name === 'reference') refuseGpuOptions(given, `device '${device.name}'`)
  return device
}

/** For a model that comes without a training, whose steps could be measured: 'auto' is the CPU. */
export function loadDeviceOptions(given: Given): Device {
  const device = deviceOptions(given)
  if (device.name === 'auto') refuseGpuOptions(given, "device 'auto', which is the CPU for a loaded model")
  return device
}

function adapterOption(value: unknown): string {
  if (typeof value === 'number') return String(integer('adapter', value, { min: 0 }))
  if (typeof value === 'string' && value.trim() !== '') return value
  return refuse('adapter', value, "a GPU's number or a part of its name")
}

/** What would be accepted and do nothing. */
function refuseGpuOptions({ precision, adapter, form, onDeviceLost }: Given, device: string): void {
  const ofGpu = { precision: precision === 'f32' ? undefined : precision, adapter, form, onDeviceLost }
  for (const [field, value] of Object.entries(ofGpu)) {
    if (value !== undefined) refuse(field, value, `left out with ${device}: it belongs to device 'gpu'`)
  }
}
