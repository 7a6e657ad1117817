/** Runs another program with a limit of time. */
import { spawn } from 'node:child_process'

export interface Ended {
  /** `null` = it could not be started, or was ended. */
  readonly code: number | null
  readonly stdout: string
  readonly tookTooLong: boolean
}

/**
 * Shows what the program writes to stderr, and gives back what it wrote to stdout.
 * @param limit seconds after which it is ended
 */
export function runProgram(program: string, words: readonly string[], limit: number): Promise<Ended> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  let tookTooLong = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const timer = setTimeout(() => {
    tookTooLong = true
    child.kill('SIGKILL')
  }, 1000 * limit)
  return new Promise((resolve) => {
    const end = (code: number | null) => {
      clearTimeout(timer)
      resolve({ code, stdout, tookTooLong })
    }
    child.on('error', () => end(null))
    child.on('close', end)
  })
}
