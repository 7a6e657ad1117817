/** Runs one command with its output passed through, and waits for its end. */
import { spawn } from 'node:child_process'

/** Resolves when `command` ends with exit code 0, and throws a CommandFailed otherwise. */
export async function run(command, args, options = {}) {
  const { code } = await spawnAndWait(command, args, { stdio: 'inherit', ...options })
  if (code !== 0) throw new CommandFailed([command, ...args].join(' '), code)
}

/** As `run`, but never throws, and gives back what was written to stdout and stderr together. */
export async function runAndRead(command, args, options = {}) {
  return spawnAndWait(command, args, { stdio: ['inherit', 'pipe', 'pipe'], ...options })
}

export class CommandFailed extends Error {
  name = 'CommandFailed'
  constructor(command, code) {
    super(`${command} ended with exit code ${code}`)
    this.code = code
  }
}

function spawnAndWait(command, args, options) {
  // npm is a shell script on Windows, which only a shell can start
  const child = spawn(command, args, { shell: process.platform === 'win32', ...options })
  const chunks = []
  child.stdout?.on('data', (chunk) => {
    chunks.push(chunk)
    process.stdout.write(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    chunks.push(chunk)
    process.stderr.write(chunk)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error.code === 'ENOENT' ? `${command} is not installed (or not on the PATH)` : error.message)
      resolve({ code: 127, output: Buffer.concat(chunks).toString('utf8') })
    })
    child.on('close', (code, signal) => {
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 1), output: Buffer.concat(chunks).toString('utf8') })
    })
  })
}
