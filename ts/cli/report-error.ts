/** How a failed command ends: one line on stderr, without a stack, and an exit code. */
import { isRnnKitError } from '../index.ts'

/** Exit codes: 1 the work failed, 2 the command line was wrong, 130 (128 + SIGINT) interrupted by Ctrl-C, 143 (128 + SIGTERM) by kill. */
export const EXIT = { ok: 0, failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 } as const

/** The signals that end the work but keep what was done. */
export type Interrupt = 'SIGINT' | 'SIGTERM'

/** A command line that cannot be understood; the message says what would do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * The one line that says what went wrong, and the exit code that goes with it.
 * @param interrupt what aborted the work, where something did
 */
export function describeError(error: unknown, interrupt: Interrupt = 'SIGINT'): { line: string; exitCode: number } {
  if (error instanceof UsageError) {
    return { line: `rnnkit: ${oneLine(error.message)} (see rnnkit --help)`, exitCode: EXIT.usage }
  }
  if (isRnnKitError(error)) {
    const exitCode = error.code === 'ERR_ABORTED' ? EXIT[interrupt] : EXIT.failure
    return { line: `rnnkit: ${oneLine(error.message)} [${error.code}]`, exitCode }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { line: `rnnkit: ${oneLine(message)} [ERR_INTERNAL]`, exitCode: EXIT.failure }
}

/** A message may quote a file's name or a symbol that holds a line break. */
function oneLine(message: string): string {
  return message.replaceAll(/\s*[\r\n]+\s*/g, ' ')
}
