/** What `rnnkit devices` and the engine say of processor and GPUs. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { devicesTable } from '../ts/cli/devices.ts'
import { type Devices, describeDevices } from '../ts/native/devices.ts'
import { DISCRETE } from './fixtures/fake-gpu.ts'
import { longestWait } from './fixtures/longest-wait.ts'

const HOST: Devices = { version: '0.1.0', cpu: 'AVX2 and FMA', threads: 8, gpu: true, adapters: [] }
const root = fileURLToPath(new URL('..', import.meta.url))

async function rnnkit(words: string[], environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const args = ['--import=tsx', 'ts/cli/main.ts', ...words]
  const env = { ...process.env, ...environment }
  return (await promisify(execFile)(process.execPath, args, { cwd: root, env })).stdout
}

test('the devices are described, and the event loop stays free', async (t) => {
  let devices: Devices | undefined
  const wait = await longestWait(async () => {
    devices = await describeDevices()
  })
  const { cpu, threads, version, gpu, adapters } = devices!
  t.not(cpu, '')
  t.true(threads >= 1)
  t.regex(version, /^\d+\.\d+\.\d+/)
  t.true(gpu)
  for (const adapter of adapters) {
    t.not(adapter.name, '')
    t.true(adapter.maxBufferBytes > 0 && adapter.workgroupThreads > 0 && adapter.subgroup[0] <= adapter.subgroup[1])
    t.deepEqual(adapter.residentUpTo.map(({ cell }) => cell).toSorted(), ['elmanRelu', 'elmanTanh', 'gru', 'lstm'])
  }
  t.true(wait < 100, `the event loop waited ${wait} ms`)
})

test('a GPU is told with its limits and the form that would run', (t) => {
  t.is(
    devicesTable({ ...HOST, adapters: [DISCRETE] }, 'linux'),
    [
      'processor  AVX2 and FMA, 8 threads',
      'gpu 0      Fake 1000, discrete, vulkan, driver fake 1.0',
      '           buffers up to 2 GiB; workgroups of 1,024 threads and 48 KiB; subgroups of 32; f16',
      '           LSTM: resident up to H = 128, above that step',
      '           RNN with tanh: step',
      '',
    ].join('\n'),
  )
})

test('the lack of a GPU is told plainly, with what to install', (t) => {
  t.regex(devicesTable(HOST, 'linux'), /^gpu +none was found; install the Vulkan driver.*mesa-vulkan-drivers.*$/m)
  t.regex(devicesTable(HOST, 'win32'), /none was found; install the present driver/)
  t.regex(devicesTable({ ...HOST, gpu: false }, 'linux'), /none: this build of the addon has no GPU backend/)
  const software = devicesTable({ ...HOST, adapters: [{ ...DISCRETE, kind: 'software' }] }, 'linux')
  t.regex(software, /software is for tests: 'auto' never takes it/)
})

test('rnnkit devices ends well, with and without a driver, as a table and as JSON', async (t) => {
  t.regex(await rnnkit(['devices']), /^processor /)
  const without = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' }
  const { adapters } = JSON.parse(await rnnkit(['devices', '--json'], without)) as Devices
  if (process.platform === 'linux') t.deepEqual(adapters, [])
  else t.true(Array.isArray(adapters))
})
