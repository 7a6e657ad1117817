/** The GPUs of this machine, as `rnnkit devices` lists them: results carry the name and the driver of the one that made them. */
import { runProgram } from './run-program.ts'

export interface AdapterName {
  readonly name: string
  /** The driver and its version. */
  readonly driver: string
}

/** Seconds: drivers take their time. */
const LIMIT = 60

/** None where the command fails. */
export async function listAdapters(): Promise<AdapterName[]> {
  const { code, stdout } = await runProgram(process.execPath, ['dist/cli/main.js', 'devices', '--json'], LIMIT)
  return code === 0 ? (JSON.parse(stdout) as { adapters: AdapterName[] }).adapters : []
}

/** The adapter that a device's description names; of several, the one with the longest name. */
export function adapterNamed(description: string, adapters: readonly AdapterName[]): AdapterName | undefined {
  const named = adapters.filter(({ name }) => description.includes(name))
  return named.sort((a, b) => b.name.length - a.name.length)[0]
}
