/** Measures what the command line names, and prints one JSON line or one table row for each. */
import { type BenchArguments, readArguments } from './arguments.ts'
import { measureList } from './list.ts'
import { measureMemory } from './memory/memory.ts'
import { measureScaling } from './scaling/scaling.ts'
import { measureStart } from './start/start.ts'
import { compareWith } from './versus/versus.ts'

try {
  const complete = await run(readArguments(process.argv.slice(2)))
  if (!complete) process.exitCode = 1
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}

/** @returns whether all was measured */
async function run(wanted: BenchArguments): Promise<boolean> {
  // npm changes into the package's folder; a relative path means where the caller stands.
  const here = process.env.INIT_CWD ?? process.cwd()
  switch (wanted.command) {
    case 'list':
      return await measureList(wanted, here)
    case 'versus':
      return await compareWith(wanted, here)
    case 'start':
      return await measureStart(wanted)
    case 'scaling':
      return await measureScaling(wanted)
    case 'memory':
      return await measureMemory(wanted)
  }
}
