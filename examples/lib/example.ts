/** What an example is: the shape of every `examples/<name>/main.ts`, and what the runner hands to it and takes back. */
import type { ShownProgress } from '../../ts/cli/progress-line.ts'
import type { Picture } from './picture.ts'

export interface Example {
  /** The tutorial system in one line, for the index: no full stop. */
  what: string
  /** What `figure` is, with its unit: 'perplexity of the last epoch'. */
  figure: string
  /** What its picture shows, for those who cannot see it. */
  shows: string
  /** The text it learns; left out by an example that makes its own data. */
  text?: ExampleText
  run(run: Run): Promise<Result>
}

export interface ExampleText {
  /** File of the tutorial's own text, looked for in the folder that RNNKIT_CORPORA names. */
  tutorial?: string
  /** File in the example's folder that stands in where that is absent. Without it *Moby Dick* does. */
  otherwise?: string
}

/** One run of an example. */
export interface Run {
  /** Whether to cut epochs or widths so that it takes some 20 s: the full run has the tutorial's setting. */
  quick: boolean
  /** Paths of the text, which are joined; none for an example that makes its own data. */
  files: string[]
  /** What the text is called. */
  text: string
  /** The options that all trainings of a run share: spread them into `trainCharModel`. */
  training: { seed: number; threads?: number; onProgress: (progress: ShownProgress) => void }
  /** Prints a line of the result. */
  say(line: string): void
}

export interface Result {
  /** The number that the example is held to. */
  figure: number
  /** What else must hold, each claim a sentence: `{ 'diversity rises with temperature': true }`. */
  claims: Record<string, boolean>
  picture: Picture
}
