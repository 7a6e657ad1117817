#!/usr/bin/env node
/** The `rnnkit` command: finds what is asked for, runs it, and turns every end into an exit code. */
import { readFileSync } from 'node:fs'
import { type Command, parseCommandLine } from './command-line.ts'
import { devices } from './devices.ts'
import { evaluate } from './evaluate.ts'
import { inspect } from './inspect.ts'
import { describeError, EXIT, type Interrupt } from './report-error.ts'
import { sample } from './sample.ts'
import { train } from './train.ts'

const INTERRUPTS: readonly Interrupt[] = ['SIGINT', 'SIGTERM']
const COMMANDS: readonly Command[] = [train, sample, evaluate, inspect, devices]

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  const abort = new AbortController()
  let interrupt: Interrupt | undefined
  for (const name of INTERRUPTS) {
    // once: a second Ctrl-C ends the process at once
    process.once(name, () => {
      interrupt ??= name
      abort.abort()
    })
  }
  endQuietlyWithReader()
  try {
    const call = parseCommandLine(words, COMMANDS, version())
    await call?.command.run({ ...call, signal: abort.signal })
    return EXIT.ok
  } catch (error) {
    const { line, exitCode } = describeError(error, interrupt)
    process.stderr.write(`${line}\n`)
    return exitCode
  } finally {
    for (const name of INTERRUPTS) process.removeAllListeners(name)
  }
}

/** A reader such as `head` closes the pipe when it has enough: that is no failure. */
function endQuietlyWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok)
    process.stderr.write(`${describeError(error).line}\n`)
    process.exit(EXIT.failure)
  })
  // Progress that nobody reads any more is no reason to lose a training.
  process.stderr.on('error', () => {})
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}
