/** Runs the workloads one after the other, each in a process of its own, and prints one JSON line or one table row for each. */
import { resolve } from 'node:path'
import { listAdapters } from './adapters.ts'
import { type BenchArguments, readArguments } from './arguments.ts'
import type { Measured } from './measured.ts'
import { measureInOwnProcess } from './own-process.ts'
import { readPeerLines } from './peers.ts'
import { createTable } from './table.ts'

try {
  await main(readArguments(process.argv.slice(2)))
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}

async function main({ ids, setting, json, peer }: BenchArguments): Promise<void> {
  // npm changes into the package's folder; a relative path means where the caller stands.
  const here = process.env.INIT_CWD ?? process.cwd()
  const table = createTable(setting.device, peer === undefined ? undefined : readPeerLines(resolve(here, peer)))
  const adapters = setting.device === 'gpu' ? await listAdapters() : []
  let described = false
  if (!json) console.log(table.title)
  for (const id of ids) {
    const measured = await measureInOwnProcess(id, setting, adapters)
    if (measured === undefined) {
      console.error(`bench: ${id} failed`)
      process.exitCode = 1
      continue
    }
    console.log(json ? JSON.stringify(measured) : table.row(measured))
    if (!described) console.error(`on ${whereMeasured(measured)}`)
    described = true
  }
}

function whereMeasured({ device_description, driver }: Measured): string {
  return driver === undefined ? device_description : `${device_description}, driver ${driver}`
}
