/** What a file holds of a model's training beside the engine's part: recipe, position and history, and back with everything checked. */
import { type FoundTensors, fileTensor, refuseTensor, type TensorRule } from '../model/model-file.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { record, refuse, text } from '../options/check.ts'
import { RECIPE_KEYS, type RecipeGiven } from '../options/training.ts'
import { createSchedule } from '../schedules/schedules.ts'
import { HISTORY_COLUMNS, historyFromColumns, historyToColumns } from './history.ts'
import type { SavedState } from './load-model.ts'
import type { AnyRecipe } from './model-parts.ts'
import { type Position, positionFromNumbers, positionToNumbers } from './position.ts'
import type { HistoryEntry } from './progress.ts'

const POSITION = 'training.position'
/** Stands in the file for a schedule that is a function. */
const FUNCTION = 'function'

/** Keys of a trained model's metadata beside the kind; the last two are the engine's. */
export const TRAINED_KEYS: readonly string[] = ['options', 'model', 'training']

/** The tensors of `trainingTensors`. */
export const TRAINING_TENSORS: readonly TensorRule[] = [
  { name: POSITION, dtype: 'F64', rank: 1, optional: false },
  // A file has no empty tensors: a history without entries is left out.
  ...HISTORY_COLUMNS.map((column) => ({ name: historyName(column), dtype: 'F64' as const, rank: 1, optional: true })),
]

function historyName(column: string): string {
  return `history.${column}`
}

export function trainingTensors({ position, history }: Pick<SavedState, 'position' | 'history'>): FileTensor[] {
  return [
    fileTensor(POSITION, 'F64', positionToNumbers(position)),
    ...historyToColumns(history)
      .map((column, i) => fileTensor(historyName(HISTORY_COLUMNS[i]!), 'F64', column))
      .filter(({ data }) => data.length > 0),
  ]
}

/** Keys of `trainingOptions`. */
export const TRAINING_KEYS = ['recipe', 'digest'] as const

/** What the metadata tells of the training. */
export function trainingOptions({
  recipe,
  scheduleLost,
  digest,
}: Pick<SavedState, 'recipe' | 'scheduleLost' | 'digest'>) {
  const isFunction = scheduleLost || recipe.schedule.kind === 'function'
  return { recipe: isFunction ? { ...recipe.given, schedule: FUNCTION } : recipe.given, digest }
}

/** The same read back. @param complete makes a recipe of what was given */
export function readTrainingOptions<R extends AnyRecipe>(
  given: { readonly [K in (typeof TRAINING_KEYS)[number]]?: unknown },
  complete: (given: RecipeGiven) => R,
): { recipe: R; scheduleLost: boolean; digest: string | undefined } {
  const recipe: RecipeGiven = record('recipe', given.recipe, RECIPE_KEYS)
  const scheduleLost = recipe.schedule === FUNCTION
  const digest = given.digest === undefined ? undefined : text('digest', given.digest)
  if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest)) refuse('digest', digest, '64 hexadecimal digits')
  return { recipe: complete(scheduleLost ? { ...recipe, schedule: undefined } : recipe), scheduleLost, digest }
}

/** @throws ERR_CHECKPOINT_TENSOR; ERR_CHECKPOINT_SCHEDULE for a state that the recipe's schedule cannot have */
export function foundTraining(
  found: FoundTensors,
  recipe: AnyRecipe,
): { position: Position; history: readonly HistoryEntry[] } {
  const columns = HISTORY_COLUMNS.map((column) => {
    const name = historyName(column)
    return found.has(name) ? new Float64Array(found.buffer(name)) : new Float64Array()
  })
  const position = positionFromNumbers(new Float64Array(found.buffer(POSITION)), (problem) =>
    refuseTensor(POSITION, problem),
  )
  checkSchedule(recipe, position)
  const history = historyFromColumns(columns, (column, problem) => refuseTensor(historyName(column), problem))
  return { position, history }
}

function checkSchedule({ schedule, optimizer }: AnyRecipe, { schedule: state, totalSteps }: Position): void {
  if (state === null) return
  createSchedule(schedule, { learningRate: optimizer.learningRate, totalSteps }).restore(state)
}
