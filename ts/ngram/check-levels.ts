/** Whether lists of numbers from a file are the n-grams of some text. */
import type { GramLevel } from './gram-table.ts'

/** Is told the length of the n-grams, the list and what is wrong with it; throws. */
export type RefuseLevel = (n: number, column: keyof GramLevel, problem: string) => never

/**
 * @param levels of lengths 1, 2 …; all but the last have extensions
 * @param size of the vocabulary, V
 */
export function checkLevels(levels: readonly GramLevel[], size: number, refuse: RefuseLevel): void {
  levels.forEach((level, i) => {
    const at = (column: keyof GramLevel, problem: string) => refuse(i + 1, column, problem)
    const grams = level.symbols.length
    const foreign = level.symbols.find((symbol) => symbol >= size)
    if (foreign !== undefined) at('symbols', `it has symbol ${foreign}, and the vocabulary has ${size}`)
    checkAscending(level.sums, grams, (problem) => at('sums', problem))
    const begins = i === 0 ? Uint32Array.of(0, grams) : levels[i - 1]!.extensions!
    if (!isSorted(level.symbols, begins)) at('symbols', 'it is not sorted')
    if (level.extensions !== undefined) {
      checkBegins(level.extensions, grams, levels[i + 1]!.symbols.length, (problem) => at('extensions', problem))
    }
  })
  levels.slice(1).forEach((level, i) => {
    checkCounts(levels[i]!, level, (problem) => refuse(i + 2, 'sums', problem))
  })
}

/** Every n-gram occurs. */
function checkAscending(sums: Uint32Array, grams: number, refuse: (problem: string) => never): void {
  if (sums.length !== grams + 1) refuse(`it has ${sums.length} entries: it must have ${grams + 1}`)
  if (sums[0] !== 0) refuse(`it begins with ${sums[0]}, not with 0`)
  for (let i = 0; i < grams; i++) if (sums[i + 1]! <= sums[i]!) refuse(`entry ${i + 1} is not above the one before`)
}

function checkBegins(begins: Uint32Array, grams: number, next: number, refuse: (problem: string) => never): void {
  if (begins.length !== grams + 1) refuse(`it has ${begins.length} entries: it must have ${grams + 1}`)
  if (begins[0] !== 0) refuse(`it begins with ${begins[0]}, not with 0`)
  for (let i = 0; i < grams; i++) if (begins[i + 1]! < begins[i]!) refuse(`entry ${i + 1} is below the one before`)
  if (begins[grams] !== next) refuse(`it ends at ${begins[grams]}, not at ${next}`)
}

/** Whether symbols ascend within each group; `begins`: where groups begin, and where the last one ends. */
function isSorted(symbols: Uint32Array, begins: Uint32Array): boolean {
  for (let group = 0; group + 1 < begins.length; group++) {
    for (let i = begins[group]! + 1; i < begins[group + 1]!; i++) if (symbols[i]! <= symbols[i - 1]!) return false
  }
  return true
}

/** An n-gram occurs as often as its extensions together; only the one at the text's end occurs once more. */
function checkCounts(level: GramLevel, next: GramLevel, refuse: (problem: string) => never): void {
  let ends = 0
  level.symbols.forEach((_, place) => {
    const extended = next.sums[level.extensions![place + 1]!]! - next.sums[level.extensions![place]!]!
    const unextended = level.sums[place + 1]! - level.sums[place]! - extended
    if (unextended < 0 || unextended > 1)
      refuse(`it has ${extended} occurrences of what extends ${extended + unextended}`)
    ends += unextended
  })
  if (ends !== 1) refuse(`${ends} n-grams end the text: it must be one`)
}
