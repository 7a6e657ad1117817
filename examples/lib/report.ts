/** How outcomes are shown: a row of a table, a line of JSON, and what is wrong. */
import { shown } from './page.ts'
import type { Outcome } from './run-example.ts'

const COLUMNS = [18, 9, 12, 12, 12, 5] as const

/** The table's first line. */
export function tableHead(): string {
  return row(['example', 'seconds', 'figure', 'low', 'high', 'ok'])
}

export function tableRow({ name, seconds, figure, range, ok }: Outcome): string {
  const [low, high] = range === undefined ? ['', ''] : [shown(range.low), shown(range.high)]
  return row([name, seconds.toFixed(1), shown(figure), low, high, ok ? 'yes' : 'NO'])
}

/** `{ name, seconds, figure, low, high, ok }`; low and high are null where the figure is held to none. */
export function jsonLine({ name, seconds, figure, range, ok }: Outcome): string {
  const { low = null, high = null } = range ?? {}
  return JSON.stringify({ name, seconds: Number(seconds.toFixed(1)), figure, low, high, ok })
}

/** One line about the figure and its range. */
export function verdict({ name, figure, range, ok, text, faults }: Outcome, meaning: string): string {
  if (!ok) return faults.map((fault) => `${name}: ${fault}`).join('\n')
  if (range === undefined) {
    const why = text.own
      ? `nothing is held on ${text.name}, a text of yours`
      : `no range was measured on ${text.name} at full length`
    return `${meaning}: ${shown(figure)} (${why})`
  }
  return `${meaning}: ${shown(figure)}, within ${shown(range.low)} to ${shown(range.high)}`
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i]!) : cell.padStart(COLUMNS[i]!))).join('')
}
