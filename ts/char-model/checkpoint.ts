/** What of a model of text goes into a file as metadata and tensors, and back with everything checked. */

import { UNITS } from '../corpus/segment.ts'
import type { Vocabulary } from '../corpus/vocabulary.ts'
import { vocabularyFromTensors, vocabularyToTensors } from '../corpus/vocabulary-tensors.ts'
import { RnnKitError } from '../errors.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { boolean, oneOf, record, refuse, text } from '../options/check.ts'
import type { TextRules } from '../options/corpus.ts'
import { RECIPE_KEYS, type Recipe, type RecipeGiven, recipeOptions } from '../options/training.ts'
import { UNKNOWN_POLICIES } from '../options/vocabulary.ts'
import { createSchedule } from '../schedules/schedules.ts'
import { HISTORY_COLUMNS, historyFromColumns, historyToColumns } from '../training/history.ts'
import { type Position, positionFromNumbers, positionToNumbers } from '../training/position.ts'
import type { HistoryEntry } from '../training/progress.ts'

/** Everything of a model but its parameters, moments and carry, which the engine writes. */
export interface CharState {
  readonly vocabulary: Vocabulary
  readonly rules: TextRules
  readonly recipe: Recipe
  readonly scheduleLost: boolean
  readonly position: Position
  readonly history: readonly HistoryEntry[]
  readonly digest: string | undefined
}

const KIND = 'char-model'
const VOCABULARY = { text: 'vocabulary.text', offsets: 'vocabulary.offsets', counts: 'vocabulary.counts' } as const
const POSITION = 'training.position'
/** Keys of the metadata; the last two are the engine's. */
const METADATA: readonly string[] = ['kind', 'options', 'model', 'training']
/** Stands in the file for a schedule that is a function. */
const FUNCTION = 'function'

/** The tensors that a file must hold beside the engine's: name, type and number of dimensions. */
export const FILE_TENSORS = [
  { name: VOCABULARY.text, dtype: 'U8', rank: 1, optional: false },
  { name: VOCABULARY.offsets, dtype: 'U32', rank: 1, optional: false },
  { name: VOCABULARY.counts, dtype: 'U32', rank: 1, optional: false },
  { name: POSITION, dtype: 'F64', rank: 1, optional: false },
  // A file has no empty tensors: a history without entries is left out.
  ...HISTORY_COLUMNS.map((column) => ({ name: historyName(column), dtype: 'F64', rank: 1, optional: true })),
] as const

function historyName(column: string): string {
  return `history.${column}`
}

export function toFile(state: CharState): { metadata: Record<string, string>; tensors: FileTensor[] } {
  const { vocabulary, rules, recipe, scheduleLost, digest } = state
  const isFunction = scheduleLost || recipe.schedule.kind === 'function'
  const options = {
    unit: vocabulary.unit,
    unknown: vocabulary.unknown,
    lowercase: rules.lowercase,
    newlines: rules.newlines,
    recipe: isFunction ? { ...recipe.given, schedule: FUNCTION } : recipe.given,
    digest,
  }
  const stored = vocabularyToTensors(vocabulary)
  const tensors = [
    tensor(VOCABULARY.text, 'U8', stored.text),
    tensor(VOCABULARY.offsets, 'U32', stored.offsets),
    tensor(VOCABULARY.counts, 'U32', stored.counts),
    tensor(POSITION, 'F64', positionToNumbers(state.position)),
    ...historyToColumns(state.history)
      .map((column, i) => tensor(historyName(HISTORY_COLUMNS[i]!), 'F64', column))
      .filter(({ data }) => data.length > 0),
  ]
  return { metadata: { kind: KIND, options: JSON.stringify(options) }, tensors }
}

function tensor(name: string, dtype: FileTensor['dtype'], values: Uint8Array | Uint32Array | Float64Array): FileTensor {
  return {
    name,
    dtype,
    shape: [values.length],
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_VOCABULARY, ERR_CHECKPOINT_TENSOR */
export function fromFile(
  metadata: Record<string, string>,
  tensors: readonly { readonly name: string; readonly data: Uint8Array }[],
): CharState {
  if (metadata.kind !== KIND)
    refuseHeader('kind', `it is ${JSON.stringify(metadata.kind)}, not '${KIND}': another kind of model`)
  const foreign = Object.keys(metadata).find((key) => !METADATA.includes(key))
  if (foreign !== undefined) refuseHeader(foreign, 'it is none of what a model of text has')
  const options = readOptions(metadata.options)
  const bytes = new Map(tensors.map(({ name, data }) => [name, data]))
  // Copied, so that the numbers begin where their size demands.
  const buffer = (name: string) => Uint8Array.from(bytes.get(name) ?? refuseTensor(name, 'it is missing')).buffer
  const vocabulary = vocabularyFromTensors(
    {
      text: new Uint8Array(buffer(VOCABULARY.text)),
      offsets: new Uint32Array(buffer(VOCABULARY.offsets)),
      counts: new Uint32Array(buffer(VOCABULARY.counts)),
    },
    options,
  )
  const columns = HISTORY_COLUMNS.map((column) => {
    return bytes.has(historyName(column)) ? new Float64Array(buffer(historyName(column))) : new Float64Array()
  })
  const { unit: _, unknown: __, ...rest } = options
  const position = positionFromNumbers(new Float64Array(buffer(POSITION)), (problem) => refuseTensor(POSITION, problem))
  checkSchedule(options.recipe, position)
  return {
    ...rest,
    vocabulary,
    position,
    history: historyFromColumns(columns, (column, problem) => refuseTensor(historyName(column), problem)),
  }
}

/** @throws ERR_CHECKPOINT_SCHEDULE for a state that this kind of schedule cannot have */
function checkSchedule({ schedule, optimizer }: Recipe, { schedule: state, totalSteps }: Position): void {
  if (state === null) return
  createSchedule(schedule, { learningRate: optimizer.learningRate, totalSteps }).restore(state)
}

function readOptions(json: string | undefined) {
  try {
    const given = record('', JSON.parse(json ?? ''), ['unit', 'unknown', 'lowercase', 'newlines', 'recipe', 'digest'])
    const recipe = record('recipe', given.recipe, RECIPE_KEYS) as RecipeGiven
    const scheduleLost = recipe.schedule === FUNCTION
    const digest = given.digest === undefined ? undefined : text('digest', given.digest)
    if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest)) refuse('digest', digest, '64 hexadecimal digits')
    return {
      unit: oneOf('unit', given.unit, UNITS),
      unknown: oneOf('unknown', given.unknown, UNKNOWN_POLICIES),
      rules: {
        lowercase: boolean('lowercase', given.lowercase),
        newlines: oneOf('newlines', given.newlines, ['keep', 'space']),
      },
      recipe: recipeOptions(scheduleLost ? { ...recipe, schedule: undefined } : recipe),
      scheduleLost,
      digest,
    }
  } catch (cause) {
    return refuseHeader('options', cause instanceof Error ? cause.message : 'they cannot be read', cause)
  }
}

function refuseHeader(key: string, problem: string, cause?: unknown): never {
  const field = `metadata.${key}`
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_HEADER', message: `${field}: ${problem}`, field, cause })
}

function refuseTensor(name: string, problem: string): never {
  throw new RnnKitError({ code: 'ERR_CHECKPOINT_TENSOR', message: `${name}: ${problem}`, field: name })
}
