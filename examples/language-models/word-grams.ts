/** How often words, pairs and triples of words occur in a text of letters and single spaces. */
import { type NgramCount, trainNgramModel } from 'rnnkit'
import { lines, type Picture } from '../lib/picture.ts'

/** Each by falling frequency. */
export async function wordGrams(text: string): Promise<Record<'words' | 'pairs' | 'triples', NgramCount[]>> {
  const model = await trainNgramModel({ corpus: { text }, vocabulary: { unit: 'word' }, order: 5, validation: 0 })
  // A space between two words is a symbol of its own: n words are 2n - 1 symbols, the first and the last of them words.
  const beginningWithWord = (n: number) => model.counts(2 * n - 1).filter(({ gram }) => !gram.startsWith(' '))
  return { words: beginningWithWord(1), pairs: beginningWithWord(2), triples: beginningWithWord(3) }
}

/** The falling frequencies, on logarithmic axes. */
export function drawFrequencies(grams: Readonly<Record<string, readonly NgramCount[]>>): Picture {
  const curves = Object.entries(grams).map(([name, counted]) => [name, frequenciesByRank(counted)])
  const [x, y] = [{ title: 'rank', scale: 'log' } as const, { title: 'times', scale: 'log' } as const]
  return lines({ title: 'Frequencies', x, y }, Object.fromEntries(curves))
}

/** [rank, count], at most some 200 points, evenly spread over the logarithm of the rank. */
function frequenciesByRank(grams: readonly NgramCount[]): [rank: number, count: number][] {
  const ranks = new Set(Array.from({ length: 200 }, (_, i) => Math.round(grams.length ** (i / 199))))
  return [...ranks].map((rank) => [rank, grams[rank - 1]!.count])
}
