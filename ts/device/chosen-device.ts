/** The device that a model runs on, and why that one. */
import type { EngineDevice } from '../native/engine-session.ts'
import { type Device, type OnDeviceLost, precisionOn } from '../options/device.ts'

/** Where a model's work is done. */
export interface ModelDevice {
  name: 'cpu' | 'gpu' | 'reference'
  /** The device and its kernels in words. */
  description: string
  /** Why this one. */
  reason: string
}

export interface ChosenDevice {
  /** What the engine is told. */
  readonly engine: EngineDevice
  readonly reason: string
  readonly onLost: OnDeviceLost
  /** Nobody asked for this device: it was measured to be the fastest. */
  readonly byAuto: boolean
}

/** The device that was asked for by name. */
export function namedDevice(device: Device, name: EngineDevice['name']): ChosenDevice {
  const reason = `device is '${name}'`
  return name === 'gpu' ? gpuDevice(device, reason) : hostDevice(device, name, reason)
}

export function hostDevice(device: HostOptions, name: 'cpu' | 'reference', reason: string): ChosenDevice {
  const { threads, onLost } = device
  const precision = precisionOn(name, device.precision)
  const engine = { name, threads, precision, adapter: null, form: null, sampleOnCpu: false } as const
  return { engine, reason, onLost, byAuto: false }
}

type HostOptions = Pick<Device, 'threads' | 'precision' | 'onLost'>

/** @param byAuto samples on the CPU then, which is faster at one symbol at a time */
export function gpuDevice(device: Device, reason: string, byAuto = false): ChosenDevice {
  const { threads, adapter = null, form = null, onLost } = device
  const precision = precisionOn('gpu', device.precision)
  return { engine: { name: 'gpu', threads, precision, adapter, form, sampleOnCpu: byAuto }, reason, onLost, byAuto }
}
