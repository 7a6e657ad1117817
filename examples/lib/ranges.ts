/** The range that an example's figure is held to: what three seeds gave, widened by 5 %, or a tutorial's figures made elsewhere. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Range {
  low: number
  high: number
  /** Where it comes from. */
  from: string
}

export type Length = 'quick' | 'full'
/** `ranges.json` of an example: by the name of the text, then by the length of the run. */
type Ranges = { [text: string]: { [length in Length]?: Range } }

const MARGIN = 0.05

/** `undefined` where none was measured. */
export async function rangeOf(folder: string, text: string, length: Length): Promise<Range | undefined> {
  return (await readRanges(folder))[text]?.[length]
}

/** Keeps a range that was measured. One that is there stays: whoever wants another takes it out first, and says why. */
export async function keepRange(folder: string, text: string, length: Length, range: Range): Promise<void> {
  const ranges = await readRanges(folder)
  if (ranges[text]?.[length] !== undefined) {
    throw new Error(`ranges.json has a range for '${text}', ${length}: take it out first to measure another`)
  }
  ranges[text] = { ...ranges[text], [length]: range }
  await writeFile(fileIn(folder), `${JSON.stringify(ranges, null, 2)}\n`)
}

/** The range around the figures of some seeds. */
export function rangeAround(figures: Readonly<Record<number, number>>): Range {
  const values = Object.values(figures)
  const low = Math.min(...values)
  const high = Math.max(...values)
  return {
    low: rounded(low - MARGIN * Math.abs(low)),
    high: rounded(high + MARGIN * Math.abs(high)),
    from: `seeds ${Object.keys(figures).join(', ')} gave ${values.map(rounded).join(', ')}; widened by 5 %`,
  }
}

/** To four significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

async function readRanges(folder: string): Promise<Ranges> {
  return existsSync(fileIn(folder)) ? (JSON.parse(await readFile(fileIn(folder), 'utf8')) as Ranges) : {}
}

function fileIn(folder: string): string {
  return join(folder, 'ranges.json')
}
