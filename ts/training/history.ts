/** A history as columns of numbers, which is how a file keeps it, and back. */
import type { LossReport } from '../metrics.ts'
import type { HistoryEntry } from './progress.ts'

const MEASURES = ['loss', 'perplexity', 'bitsPerChar', 'symbols'] as const
const OWN = ['step', 'epoch', 'loss', 'perplexity', 'bitsPerChar', 'learningRate', 'gradientNorm', 'clipped'] as const
const SCORES = ['validation', 'test'] as const

/** Names of the columns, in their order. */
export const HISTORY_COLUMNS: readonly string[] = [
  ...OWN,
  ...SCORES.flatMap((score) => MEASURES.map((measure) => `${score}.${measure}`)),
]

/** [columns][entries]; NaN where an entry has no score. */
export function historyToColumns(history: readonly HistoryEntry[]): Float64Array[] {
  return [
    ...OWN.map((name) => Float64Array.from(history, (entry) => entry[name])),
    ...SCORES.flatMap((score) =>
      MEASURES.map((measure) => Float64Array.from(history, (entry) => entry[score]?.[measure] ?? Number.NaN)),
    ),
  ]
}

/** A model that has run off may have a perplexity beyond all numbers, one of numbers has none, and a score may be none. */
function isMeasure(column: string, number: number): boolean {
  const isScore = column.includes('.')
  if (Number.isNaN(number)) return isScore || column === 'perplexity' || column === 'bitsPerChar'
  if (column === 'step' || column.endsWith('.symbols')) return Number.isSafeInteger(number) && number >= 0
  if (column === 'clipped') return number >= 0 && number <= 1
  return number >= 0 && (Number.isFinite(number) || isScore || column === 'perplexity')
}

/** @param refuse is called with the column and what is wrong with it, and throws */
export function historyFromColumns(
  columns: readonly Float64Array[],
  refuse: (column: string, problem: string) => never,
): HistoryEntry[] {
  const entries = columns[0]?.length ?? 0
  columns.forEach((column, i) => {
    if (column.length !== entries) refuse(HISTORY_COLUMNS[i]!, `it has ${column.length} entries, others ${entries}`)
  })
  columns.forEach((column, i) => {
    const name = HISTORY_COLUMNS[i]!
    const wrong = column.find((number) => !isMeasure(name, number))
    if (wrong !== undefined) refuse(name, `it has ${wrong}`)
  })
  const at = (name: string, entry: number) => columns[HISTORY_COLUMNS.indexOf(name)]![entry]!
  const scoreAt = (score: string, entry: number) =>
    Object.fromEntries(MEASURES.map((measure) => [measure, at(`${score}.${measure}`, entry)])) as unknown as LossReport
  return Array.from({ length: entries }, (_, entry) => {
    const own = Object.fromEntries(OWN.map((name) => [name, at(name, entry)])) as unknown as HistoryEntry
    for (const score of SCORES) {
      if (!Number.isNaN(at(`${score}.symbols`, entry))) own[score] = scoreAt(score, entry)
      else if (!Object.values(scoreAt(score, entry)).every(Number.isNaN))
        refuse(`${score}.symbols`, 'it lacks an entry')
    }
    return own
  })
}
