/** Rows of letters of different lengths with some of them hidden, as data of a model of sequences. */
import { NO_SYMBOL, type SequenceDataOptions, type SequenceModel } from 'rnnkit'
import { randomNumbers } from '../lib/random.ts'

/** Ids are places in it. */
export const LETTERS = ' abcdefghijklmnopqrstuvwxyz'
const VOWELS = 'aeiou'
const LONGEST = 40
const HIDDEN = 0.15

/** What stands between two marks of punctuation, of 8 to 40 letters and spaces, in random order. */
export function clausesOf(text: string, seed: number): string[] {
  const clauses = text
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .split(/[^a-z ]+/)
    .map((clause) => clause.trim())
    .filter(({ length }) => length >= 8 && length <= LONGEST)
  const { uniform } = randomNumbers(seed)
  return clauses
    .map((clause) => [uniform(), clause] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, clause]) => clause)
}

/** Hides some letters, no spaces: the model sees no symbol there, and there alone it is asked whether it is a vowel, 1, or not, 0. */
export function taggedRows(clauses: readonly string[], seed: number): SequenceDataOptions {
  const size = clauses.length * LONGEST
  const inputs = new Int32Array(size)
  const targets = new Int32Array(size)
  const mask = new Uint8Array(size)
  const { uniform } = randomNumbers(seed + 1)
  clauses.forEach((clause, row) => {
    ;[...clause].forEach((letter, step) => {
      const place = row * LONGEST + step
      const hidden = letter !== ' ' && uniform() < HIDDEN
      inputs[place] = hidden ? NO_SYMBOL : LETTERS.indexOf(letter)
      targets[place] = VOWELS.includes(letter) ? 1 : 0
      mask[place] = hidden ? 1 : 0
    })
  })
  return { inputs, targets, mask, shape: [clauses.length, LONGEST], lengths: clauses.map(({ length }) => length) }
}

/** A row to look at: its letters, and their ids with those that are hidden. */
export interface Row {
  clause: string
  inputs: Int32Array
}

/** The row of which most is hidden. */
export function mostHidden(clauses: readonly string[], { inputs }: SequenceDataOptions): Row {
  const rows = clauses.map((clause, row) => {
    return { clause, inputs: Int32Array.from(inputs.slice(row * LONGEST, row * LONGEST + clause.length)) }
  })
  const hidden = (row: Row) => row.inputs.filter((id) => id === NO_SYMBOL).length
  return rows.reduce((most, row) => (hidden(row) > hidden(most) ? row : most))
}

/** The row with its hidden letters written by `letter`, which is told their step. */
export function withHidden({ clause, inputs }: Row, letter: (step: number) => string): string {
  return [...clause].map((seen, step) => (inputs[step] === NO_SYMBOL ? letter(step) : seen)).join('')
}

/** The row as the model tags it: V for a vowel, C for a consonant. */
export async function tagged(model: SequenceModel, row: Row): Promise<string> {
  const { values } = await model.predict({ data: { inputs: row.inputs, shape: [1, row.inputs.length] } })
  return withHidden(row, (step) => (values[2 * step + 1]! > values[2 * step]! ? 'V' : 'C'))
}

/** Share of the hidden letters that are consonants: what one who always says so gets right. */
export function consonants({ targets, mask }: SequenceDataOptions): number {
  const hidden = [...targets].filter((_, place) => mask![place] === 1)
  return hidden.filter((target) => target === 0).length / hidden.length
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
