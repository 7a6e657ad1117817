/** Opens the session of a training on the device that the options name; for 'auto' where its steps are measured to be shortest. */
import { isDeviceError, isDeviceLost } from '../errors.ts'
import type { Devices } from '../native/devices.ts'
import type { Session } from '../native/engine-session.ts'
import type { Device } from '../options/device.ts'
import { type ChosenDevice, gpuDevice, hostDevice, namedDevice } from './chosen-device.ts'
import type { EngineDoor } from './engine-door.ts'
import { type Effort, type StepWork, stepTime } from './step-time.ts'

/** A training that is about to begin. */
export interface PlannedWork extends StepWork {
  readonly spec: unknown
  /** Bytes of the host that the session may take. */
  readonly available: number
}

export interface OpenedDevice {
  readonly session: Session
  readonly device: ChosenDevice
}

/**
 * Milliseconds of a step on the CPU up to which no GPU is looked for. A step on a GPU is some hundred dispatches that wait for one
 * another, at 5 to 10 µs each: one to two milliseconds however little they compute.
 */
const SHORT_STEP_MS = 2
/** Times that the GPU must be faster: two measurements of the same thing may lie a tenth apart. */
const CLEAR_MARGIN = 1.25
/** To tell a short step from a long one, at the price of a few steps; and to compare two devices. */
const ROUGH: Effort = { calls: 3, windows: 1 }
const FINE: Effort = { calls: 5, windows: 16 }
/** Milliseconds of a step on the CPU from which on the lack of a GPU is worth a notice. */
const LONG_STEP_MS = 20

/**
 * @param setup in `work`: the session must be configured (again) and initialised, whatever was measured on it
 * @throws ERR_DEVICE_UNAVAILABLE and others of the device that was named; of a GPU that 'auto' tried, none
 */
export async function openDevice(
  device: Device,
  work: PlannedWork,
  signal: AbortSignal | undefined,
  engine: EngineDoor,
): Promise<OpenedDevice> {
  if (device.name === 'auto') return await openFastest(device, work, signal, engine)
  const chosen = namedDevice(device, device.name)
  const session = await engine.open(work.spec, chosen.engine, work.available)
  if (device.name === 'gpu' && device.adapter === undefined) await noticeSoftware(engine)
  return { session, device: chosen }
}

/** On the CPU, after a GPU failed. */
export async function openCpu(
  device: Device,
  work: PlannedWork,
  reason: string,
  engine: EngineDoor,
): Promise<OpenedDevice> {
  const chosen = hostDevice(device, 'cpu', reason)
  return { session: await engine.open(work.spec, chosen.engine, work.available), device: chosen }
}

/** Whether a training that a GPU failed goes on on the CPU: one of 'auto' always, one that asked for a GPU if that was lost. */
export function goesOnOnCpu(device: Device, error: unknown): boolean {
  if (device.name === 'gpu') return device.onLost === 'cpu' && isDeviceLost(error)
  return device.name === 'auto' && isDeviceError(error)
}

/** The CPU's session is measured before it is used, so that a choice for the CPU costs no more than the steps themselves. */
async function openFastest(
  device: Device,
  work: PlannedWork,
  signal: AbortSignal | undefined,
  engine: EngineDoor,
): Promise<OpenedDevice> {
  const host = hostDevice(device, 'cpu', '')
  const session = await engine.open(work.spec, host.engine, work.available)
  try {
    const onCpu = (reason: string) => ({ session, device: { ...host, reason } })
    const roughMs = await stepTime(session, work, ROUGH, signal)
    if (roughMs <= SHORT_STEP_MS) return onCpu(`${takes(roughMs)}, too little for a GPU to shorten`)
    const absence = await absenceOfGpu(device, engine)
    if (absence !== undefined) {
      if (roughMs >= LONG_STEP_MS) noticeOnce('RNNKIT_NO_GPU', `${takes(roughMs)}; a GPU may be faster, but ${absence}`)
      return onCpu(`${takes(roughMs)}; ${absence}`)
    }
    const cpuMs = await stepTime(session, work, FINE, signal)
    const gpu = await openMeasuredGpu(device, work, signal, engine)
    if ('problem' in gpu) return onCpu(`${takes(cpuMs)}; the GPU cannot be used: ${gpu.problem}`)
    const compared = `${takes(cpuMs)} and the GPU ${milliseconds(gpu.ms)}`
    const [slower, chosen] =
      gpu.ms * CLEAR_MARGIN < cpuMs
        ? [session, { session: gpu.session, device: gpuDevice(device, compared, true) }]
        : [gpu.session, onCpu(compared)]
    slower.close()
    return chosen
  } catch (error) {
    session.close()
    throw error
  }
}

/** A session on the GPU and its milliseconds a step, or what is in the way of one. */
async function openMeasuredGpu(
  device: Device,
  work: PlannedWork,
  signal: AbortSignal | undefined,
  engine: EngineDoor,
): Promise<{ session: Session; ms: number } | { problem: string }> {
  let session: Session | undefined
  try {
    session = await engine.open(work.spec, gpuDevice(device, '', true).engine, work.available)
    return { session, ms: await stepTime(session, work, FINE, signal) }
  } catch (error) {
    session?.close()
    if (signal?.aborted) throw error
    return { problem: messageOf(error) }
  }
}

/** Why there is no GPU to try; `undefined` if there is one, or one was named. */
async function absenceOfGpu(device: Device, engine: EngineDoor): Promise<string | undefined> {
  if (device.adapter !== undefined) return undefined
  try {
    return absenceOf(await engine.devices())
  } catch (error) {
    return `no GPU was found: ${messageOf(error)}`
  }
}

function absenceOf({ gpu, adapters }: Devices): string | undefined {
  if (!gpu) return 'this build has no GPU backend'
  if (adapters.some(({ kind }) => kind !== 'software')) return undefined
  return adapters.length === 0 ? 'no GPU was found' : 'the only GPU found is software'
}

/** Engines whose adapters were looked at: listing them takes the drivers' time, and they stay what they are. */
const lookedAt = new WeakSet<EngineDoor>()

/** Who asks for a GPU hardly means the processor playing one, which is what is taken where there is nothing else. */
async function noticeSoftware(engine: EngineDoor): Promise<void> {
  if (lookedAt.has(engine)) return
  lookedAt.add(engine)
  const first = await engine.devices().then(
    ({ adapters }) => adapters[0],
    () => undefined,
  )
  if (first?.kind !== 'software') return
  noticeOnce('RNNKIT_SOFTWARE_GPU', `the only GPU, ${first.name}, is software: device 'cpu' is far faster`)
}

const noticed = new Set<string>()

/** Once in a process: a program that trains many models says it once. */
function noticeOnce(code: string, message: string): void {
  if (noticed.has(code)) return
  noticed.add(code)
  process.emitWarning(`${message} (\`rnnkit devices\` says what is there)`, { code })
}

function takes(ms: number): string {
  return `a step takes the CPU ${milliseconds(ms)}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function milliseconds(ms: number): string {
  return `${ms.toLocaleString('en', { maximumSignificantDigits: 2 })} ms`
}
