/** What the choice of a device asks of the engine: one place, so that tests can put another engine there. */
import { checkDevice, type Devices, describeDevices } from '../native/devices.ts'
import { type EngineDevice, openSession, type Session } from '../native/engine-session.ts'

export interface EngineDoor {
  open(model: unknown, device: EngineDevice, memoryLimit: number): Promise<Session>
  /** @throws if no session can be opened there */
  check(device: EngineDevice): Promise<void>
  devices(): Promise<Devices>
}

export const ENGINE: EngineDoor = { open: openSession, check: checkDevice, devices: describeDevices }
