/** Cuts a text into its shares and plans its windows, or says how long it would have to be. */
import { isDeepStrictEqual } from 'node:util'
import { createBatchPlan, minimumSymbols } from '../batches/index.ts'
import { type CorpusSplit, splitCorpus } from '../corpus/split.ts'
import { RnnKitError } from '../errors.ts'
import type { Recipe } from '../options/training.ts'
import { digesting } from '../training/digest.ts'
import type { PlannedData } from '../training/model-parts.ts'
import type { ResidentText } from './parts.ts'
import { loadText } from './resident.ts'

/** A text that fits the recipe, cut into its parts. */
export interface PlannedText extends PlannedData {
  readonly ids: Uint32Array
  readonly split: CorpusSplit
}

type Sizes = Pick<Recipe, 'batches' | 'batchSize' | 'unrollLength' | 'validation' | 'test'>

/** @throws ERR_CORPUS_TOO_SHORT, with a length of the whole text that would do */
export function planText(ids: Uint32Array, recipe: Recipe): PlannedText {
  if (!fits(ids.length, recipe)) throw tooShort(ids.length, recipe)
  const split = splitOf(ids.length, recipe)
  const batches = createBatchPlan({
    ...windowsOf(recipe),
    order: recipe.batches.order,
    resetCarry: recipe.batches.resetCarry,
    seed: recipe.seed,
    symbols: split.train[1] - split.train[0],
  })
  return {
    ids,
    split,
    batches,
    lanes: recipe.batchSize,
    time: recipe.unrollLength,
    digesting: () => digesting([ids.subarray(...split.train)]),
    isIn: (resident) =>
      (resident as ResidentText).ids === ids && isDeepStrictEqual((resident as ResidentText).split, split),
    load: (session) => loadText(session, ids, split),
  }
}

/** Whether every epoch has a window, and every share that was asked for two symbols to score. */
function fits(symbols: number, sizes: Sizes): boolean {
  const { train, validation, test } = splitOf(symbols, sizes)
  const scorable = [
    [sizes.validation.share, validation],
    [sizes.test.share, test],
  ] as const
  return (
    train[1] >= minimumSymbols(windowsOf(sizes)) &&
    scorable.every(([share, [from, to]]) => share === 0 || to - from >= 2)
  )
}

function splitOf(symbols: number, { validation, test }: Sizes): CorpusSplit {
  return splitCorpus(symbols, validation.share, test.share)
}

function windowsOf({ batchSize: lanes, unrollLength: unroll, batches }: Sizes) {
  return { lanes, unroll, offset: batches.offset }
}

/**
 * A length that fits, while one symbol less does not. Rounding of the shares may let a shorter one fit as well.
 * @param tooFew a length that does not fit
 */
function leastSymbols(tooFew: number, sizes: Sizes): number {
  const { validation, test } = sizes
  const perShare = [validation.share, test.share].map((share) => (share === 0 ? 0 : 2 / share))
  const forTraining = minimumSymbols(windowsOf(sizes)) / (1 - (validation.share + test.share))
  let enough = Math.ceil(Math.max(forTraining, ...perShare))
  while (!fits(enough, sizes)) enough *= 2
  let less = tooFew
  while (enough - less > 1) {
    const middle = Math.floor((less + enough) / 2)
    if (fits(middle, sizes)) enough = middle
    else less = middle
  }
  return enough
}

function tooShort(symbols: number, sizes: Sizes): RnnKitError {
  const { batchSize, unrollLength, batches, validation, test } = sizes
  const asked = [
    `batchSize ${batchSize}`,
    `unrollLength ${unrollLength}`,
    batches.offset === 0 ? '' : `offset '${batches.offset}'`,
    validation.share === 0 ? '' : `validation ${validation.share}`,
    test.share === 0 ? '' : `test ${test.share}`,
  ].filter((part) => part !== '')
  return new RnnKitError({
    code: 'ERR_CORPUS_TOO_SHORT',
    message: `corpus has ${symbols} symbols: with ${asked.join(', ')} it must have at least ${leastSymbols(symbols, sizes)}, or take other values there`,
    field: 'corpus',
    value: symbols,
  })
}
