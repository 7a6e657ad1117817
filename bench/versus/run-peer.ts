/** Runs a peer's script where its environment is, and reads what it measured. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { PeerLine, SampleLine } from '../measured.ts'
import { parseLines } from '../peer-lines.ts'
import { runProgram } from '../run-program.ts'
import { PEER_PROGRAMS, type PeerName, type Way } from './peer-programs.ts'

/** Seconds that a run may take besides being measured: a JavaScript peer's first steps take half a minute. */
const START = 240
const SCRIPTS = 'bench/peers'
/** What makes the program that is a part of this repository. */
const RUST = ['run', '--release', '--quiet', '-p', 'rnnkit-backend-tests', '--example', 'train_w4', '--']

/** A program, and the words that come before a way's. */
export interface Command {
  readonly program: string
  readonly words: readonly string[]
  /** Whether it is told which workload; the other knows one only. */
  readonly named: boolean
}

/**
 * How a peer is run from the repository's folder.
 * @param python of the user's choice
 * @param folder of the peers' environments, as bench/peers/README.md lays it out
 * @throws an error with the commands that make what is missing
 */
export function peerCommand(name: PeerName, python: string | undefined, folder: string | undefined): Command {
  const { script, modules, ...peer } = PEER_PROGRAMS[name]
  if (script === undefined) return { program: 'cargo', words: RUST, named: false }
  const path = `${SCRIPTS}/${script}`
  if (python !== undefined) return { program: found(name, resolve(python)), words: [path], named: true }
  if (folder === undefined) throw new Error(`RNNKIT_PEERS is not set, the folder of the peers: ${remedy(name)}`)
  const needed = found(name, join(resolve(folder), peer.python ?? join(modules!, 'node_modules')))
  if (modules === undefined) return { program: needed, words: [path], named: true }
  return { program: process.execPath, words: [path, '--modules', join(resolve(folder), modules)], named: true }
}

function found(name: PeerName, path: string): string {
  if (!existsSync(path)) throw new Error(`there is no ${path}: ${remedy(name)}`)
  return path
}

function remedy(name: PeerName): string {
  const { setUp, python } = PEER_PROGRAMS[name]
  const commands = ['export RNNKIT_PEERS=FOLDER PEERS=FOLDER', ...setUp].map((line) => `  ${line}`)
  const other = python === undefined ? '' : ', or name a Python that has what it needs with --python PATH'
  return `set it up with\n${commands.join('\n')}\n(${SCRIPTS}/README.md)${other}`
}

/**
 * What a peer measured of a workload (`sample`: of all sampling) in one way; none where it failed, which stderr tells.
 * @param seconds of the measuring
 */
export async function runPeer(
  { program, words, named }: Command,
  id: string,
  way: Way,
  seconds: number,
): Promise<(PeerLine | SampleLine)[]> {
  const all = [...words, ...way, '--seconds', String(seconds), ...(named ? [id] : [])]
  const { code, stdout, tookTooLong } = await runProgram(program, all, seconds + START)
  const lines = parseLines(onlyObjects(stdout), `what ${words[0]} printed`)
  for (const { error } of lines) if (error !== undefined) console.error(`bench: ${way.join(' ')} ${id}: ${error}`)
  if (tookTooLong) console.error(`bench: ${words[0]} ${id} was ended, it took too long`)
  else if (code !== 0) console.error(`bench: ${words[0]} ${way.join(' ')} ${id} failed`)
  return lines.filter((line): line is PeerLine | SampleLine => 'tokens_per_s' in line || 'chars_per_s' in line)
}

/** Some libraries say more than they are asked. */
function onlyObjects(stdout: string): string {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return lines.join('\n')
}
