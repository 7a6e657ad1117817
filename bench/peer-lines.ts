/** Another program's figures for the same work list. */
import { readFileSync } from 'node:fs'
import type { PeerLine, SampleLine } from './measured.ts'

/** An object that some program printed: a result, or what kept it from one. */
export type RawLine = Partial<PeerLine & SampleLine> & { readonly error?: unknown }

/** The lines of a file of JSON lines; those that report an error or something else than a workload are left out. */
export function readPeerLines(path: string): PeerLine[] {
  return parsePeerLines(readFileSync(path, 'utf8'), path)
}

/** @param name of the text, for errors */
export function parsePeerLines(text: string, name: string): PeerLine[] {
  return parseLines(text, name).filter(isMeasured)
}

/** All lines. */
export function parseLines(text: string, name: string): RawLine[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => parsed(line, `${name}, line ${index + 1}`))
}

/** The fastest of a peer's ways to do what `line` did: the same workload on the same kind of device in the same precision. */
export function fastestPeer(
  { workload, device = 'cpu', precision = 'f32' }: Pick<PeerLine, 'workload' | 'device' | 'precision'>,
  peers: readonly PeerLine[],
): PeerLine | undefined {
  return peers
    .filter((peer) => peer.workload === workload && (peer.device ?? 'cpu') === device)
    .filter((peer) => (peer.precision ?? 'f32') === precision)
    .reduce<PeerLine | undefined>(
      (best, peer) => (best === undefined || peer.tokens_per_s > best.tokens_per_s ? peer : best),
      undefined,
    )
}

function parsed(line: string, where: string): RawLine {
  try {
    return JSON.parse(line) as RawLine
  } catch {
    throw new Error(`${where} is no JSON: expected one object a line, as 'npm run bench -- --json' prints them`)
  }
}

function isMeasured(line: RawLine): line is PeerLine {
  return typeof line.workload === 'string' && Number.isFinite(line.tokens_per_s)
}
