/** `rnnkit devices`: the processor and the GPUs that models can run on. */
import { type Adapter, type Devices, describeDevices } from '../native/devices.ts'
import type { CellName } from '../options/cell.ts'
import type { Call, Command } from './command-line.ts'

export const devices: Command = {
  usage: 'devices',
  description: 'List the processor and the GPUs that models can run on',
  flags: [{ name: 'json', description: 'Print one line of JSON' }],
  examples: ['devices'],
  run: runDevices,
}

async function runDevices({ flags }: Call): Promise<void> {
  const found = await describeDevices()
  process.stdout.write(flags.has('json') ? `${JSON.stringify(found)}\n` : devicesTable(found))
}

const CELLS: Record<CellName, string> = {
  lstm: 'LSTM',
  gru: 'GRU',
  elmanTanh: 'RNN with tanh',
  elmanRelu: 'RNN with ReLU',
  elmanTanhSeparate: 'separate RNN with tanh',
  elmanReluSeparate: 'separate RNN with ReLU',
}

/** What to install for a GPU to be found. */
const REMEDIES: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    "the Vulkan driver of your GPU (NVIDIA's own; for AMD and Intel mesa-vulkan-drivers) and the loader libvulkan1",
  win32: 'the present driver of your GPU, which has DirectX 12 and Vulkan',
  darwin: 'nothing: Metal is part of macOS, but not of every virtual machine',
}

/** A row for each device, further lines indented. */
export function devicesTable(found: Devices, platform: NodeJS.Platform = process.platform): string {
  const { cpu, threads, gpu, adapters } = found
  const rows = [['processor', `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}`]]
  adapters.forEach((adapter, number) => {
    const [first, ...further] = adapterLines(adapter)
    rows.push([`gpu ${number}`, first!], ...further.map((line) => ['', line]))
  })
  if (!gpu) rows.push(['gpu', 'none: this build of the addon has no GPU backend'])
  else if (adapters.length === 0) {
    rows.push(['gpu', `none was found; install ${REMEDIES[platform] ?? 'a Vulkan driver'}`])
  } else if (adapters.every(({ kind }) => kind === 'software')) {
    rows.push([
      '',
      `software is for tests: 'auto' never takes it; for a GPU, install ${REMEDIES[platform] ?? 'its driver'}`,
    ])
  }
  return rows.map(([title, value]) => `${title!.padEnd(11)}${value}\n`).join('')
}

function adapterLines(adapter: Adapter): string[] {
  const { name, kind, backend, driver, maxBufferBytes, workgroupBytes, workgroupThreads, subgroup, f16 } = adapter
  const [fewest, most] = subgroup
  const threads = workgroupThreads.toLocaleString('en')
  return [
    `${name}, ${kind}, ${backend}, driver ${driver}`,
    [
      `buffers up to ${binary(maxBufferBytes)}`,
      `workgroups of ${threads} threads and ${binary(workgroupBytes)}`,
      `subgroups of ${fewest === most ? most : `${fewest} to ${most}`}`,
      `${f16 ? '' : 'no '}f16`,
    ].join('; '),
    ...adapter.residentUpTo.map(({ cell, size }) => {
      return `${CELLS[cell]}: ${size > 0 ? `resident up to H = ${size}, above that step` : 'step'}`
    }),
  ]
}

/** `32 KiB`, `2 GiB` */
function binary(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toLocaleString('en', { maximumFractionDigits: 1 })} ${units[power]}`
}
