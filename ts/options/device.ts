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
  /**
   * Number type of packed weights; parameters, sums and cell states are 'f32' in any case. 'bf16' is for the CPU, 'f16' for a GPU; each is
   * refused on the other, and with 'auto' the device that lacks it works in 'f32'. @default 'f32'
   */
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
export type Precision = 'f32' | 'f16' | 'bf16'
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
    precision: oneOf('precision', orDefault(given.precision, 'f32'), ['f32', 'f16', 'bf16']),
    adapter: optional(given.adapter, adapterOption),
    form: optional(given.form, (v) => oneOf('form', v, ['step', 'resident'])),
    onLost: oneOf('onDeviceLost', orDefault(given.onDeviceLost, 'cpu'), ['cpu', 'error']),
  }
  if (device.name !== 'auto') checkPrecision(device.precision, device.name)
  if (device.name === 'cpu' || device.name === 'reference') refuseGpuOptions(given, `device '${device.name}'`)
  return device
}

/** For a model that comes without a training, whose steps could be measured: 'auto' is the CPU. */
export function loadDeviceOptions(given: Given): Device {
  const device = deviceOptions(given)
  if (device.name === 'auto') {
    checkPrecision(device.precision, 'cpu', "device 'auto', which is the CPU for a loaded model")
    refuseGpuOptions(given, "device 'auto', which is the CPU for a loaded model")
  }
  return device
}

function adapterOption(value: unknown): string {
  if (typeof value === 'number') return String(integer('adapter', value, { min: 0 }))
  if (typeof value === 'string' && value.trim() !== '') return value
  return refuse('adapter', value, "a GPU's number or a part of its name")
}

/** What each device can pack weights in. */
const PRECISIONS: Record<Exclude<DeviceName, 'auto'>, readonly Precision[]> = {
  cpu: ['f32', 'bf16'],
  gpu: ['f32', 'f16'],
  reference: ['f32'],
}

/** The device's own, or 'f32' where the one asked for is another device's. */
export function precisionOn(name: keyof typeof PRECISIONS, asked: Precision): Precision {
  return PRECISIONS[name].includes(asked) ? asked : 'f32'
}

function checkPrecision(asked: Precision, name: keyof typeof PRECISIONS, device = `device '${name}'`): void {
  if (precisionOn(name, asked) === asked) return
  refuse('precision', asked, `${PRECISIONS[name].map((precision) => `'${precision}'`).join(' or ')} with ${device}`)
}

/** What would be accepted and do nothing. */
function refuseGpuOptions({ adapter, form, onDeviceLost }: Given, device: string): void {
  const ofGpu = { adapter, form, onDeviceLost }
  for (const [field, value] of Object.entries(ofGpu)) {
    if (value !== undefined) refuse(field, value, `left out with ${device}: it belongs to device 'gpu'`)
  }
}
