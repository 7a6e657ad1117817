/** Measures workloads one after the other, each in a process of its own. */
import { resolve } from 'node:path'
import { type AdapterName, listAdapters } from './adapters.ts'
import type { ListArguments } from './arguments.ts'
import type { Measured, MeasuredBy, MeasuredSample } from './measured.ts'
import { measureInOwnProcess, type OwnProgram } from './own-process.ts'
import { readPeerLines } from './peer-lines.ts'
import { createSampleTable, createTable, type Table } from './table.ts'
import { jobOf } from './workloads/job.ts'

/**
 * Prints a row or a line for each.
 * @param here the folder that relative paths mean
 * @returns whether all was measured
 */
export async function measureList(wanted: ListArguments, here: string): Promise<boolean> {
  const { peer, setting } = wanted
  const { ids, sampled } = wanted.wanted
  const peers = peer === undefined ? undefined : readPeerLines(resolve(here, peer))
  const adapters = setting.device === 'gpu' ? await listAdapters() : []
  const trained = await measureAll<Measured>('workload', ids, createTable(setting.device, peers), wanted, adapters)
  const wrote = await measureAll<MeasuredSample>('sample', sampled, createSampleTable(), wanted, adapters)
  const first = trained[0] ?? wrote[0]
  if (first !== undefined) console.error(`on ${whereMeasured(first)}`)
  return trained.length + wrote.length === ids.length + sampled.length
}

async function measureAll<Line extends MeasuredBy>(
  program: OwnProgram,
  ids: readonly string[],
  table: Table<Line>,
  { setting, json }: ListArguments,
  adapters: readonly AdapterName[],
): Promise<Line[]> {
  const all: Line[] = []
  if (!json && ids.length > 0) console.log(table.title)
  for (const id of ids) {
    const measured = await measureInOwnProcess<Line>(program, jobOf(id, setting), adapters)
    if (measured === undefined) {
      console.error(`bench: ${id} failed`)
      continue
    }
    console.log(json ? JSON.stringify(measured) : table.row(measured))
    all.push(measured)
  }
  return all
}

function whereMeasured({ device_description, driver }: MeasuredBy): string {
  return driver === undefined ? device_description : `${device_description}, driver ${driver}`
}
