/** Measures two programs by turns, ours, theirs, ours, theirs: what else the machine does then slows both. */
import { median } from '../../ts/metrics.ts'
import type { PeerLine, SampleLine } from '../measured.ts'

type Line = PeerLine | SampleLine

/** Symbols in a second. */
export type SpeedOf = (line: Line) => number

interface Turns<Way> {
  readonly rounds: number
  /** Ways in which they do it. After the first round only those go on that were the fastest at something. */
  readonly ways: readonly Way[]
  readonly speedOf: SpeedOf
  /** Measures us once: a line for each workload; none where it failed. */
  ours(): Promise<Line[]>
  theirs(way: Way): Promise<Line[]>
}

/** One workload, measured by turns. */
export interface Compared {
  readonly workload: string
  /** The round in the middle, of ours. */
  readonly ours: Line
  /** The round in the middle, of their fastest way in each. */
  readonly theirs: Line
  /** Symbols in a second, the median over the rounds. */
  readonly oursPerSecond: number
  readonly theirsPerSecond: number
  /** Our speed / theirs. */
  readonly ratio: number
  /** The same of each round by itself. */
  readonly lowest: number
  readonly highest: number
}

/** Each workload that both could do in every round. */
export async function alternate<Way>(turns: Turns<Way>): Promise<Compared[]> {
  const { rounds, speedOf } = turns
  let ways = turns.ways
  const done: { ours: Line[]; theirs: Line[] }[] = []
  for (let round = 0; round < rounds; round++) {
    const ours = await turns.ours()
    const tried: { way: Way; lines: Line[] }[] = []
    for (const way of ways) tried.push({ way, lines: await turns.theirs(way) })
    const theirs = fastestOfEach(
      tried.flatMap(({ lines }) => lines),
      speedOf,
    )
    done.push({ ours, theirs })
    ways = tried.filter(({ lines }) => lines.some((line) => theirs.includes(line))).map(({ way }) => way)
  }
  return done[0]!.ours.flatMap(({ workload }) => compared(workload, done, speedOf) ?? [])
}

function fastestOfEach(lines: readonly Line[], speedOf: SpeedOf): Line[] {
  const fastest = new Map<string, Line>()
  for (const line of lines) {
    const before = fastest.get(line.workload)
    if (before === undefined || speedOf(line) > speedOf(before)) fastest.set(line.workload, line)
  }
  return [...fastest.values()]
}

function compared(
  workload: string,
  rounds: readonly { ours: readonly Line[]; theirs: readonly Line[] }[],
  speedOf: SpeedOf,
): Compared | undefined {
  const ofWorkload = (lines: readonly Line[]) => lines.filter((line) => line.workload === workload)
  const ours = rounds.flatMap((round) => ofWorkload(round.ours))
  const theirs = rounds.flatMap((round) => ofWorkload(round.theirs))
  if (ours.length < rounds.length || theirs.length < rounds.length) return undefined
  const oursPerSecond = median(ours.map(speedOf))
  const theirsPerSecond = median(theirs.map(speedOf))
  const ratios = ours.map((line, round) => speedOf(line) / speedOf(theirs[round]!))
  return {
    workload,
    ours: inTheMiddle(ours, speedOf),
    theirs: inTheMiddle(theirs, speedOf),
    oursPerSecond,
    theirsPerSecond,
    ratio: oursPerSecond / theirsPerSecond,
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  }
}

function inTheMiddle(lines: readonly Line[], speedOf: SpeedOf): Line {
  return lines.toSorted((a, b) => speedOf(a) - speedOf(b))[Math.floor((lines.length - 1) / 2)]!
}

/** exp of the mean of the logarithms; NaN of none. */
export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
}
