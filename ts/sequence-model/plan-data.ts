/** Cuts data into shares and plans their windows: batches of rows, or windows over one long sequence as over a text. */
import { isDeepStrictEqual } from 'node:util'
import { createExamplePlan, type ExampleOrder, type Examples } from '../batches/examples.ts'
import { createBatchPlan, minimumSymbols } from '../batches/index.ts'
import { splitCorpus } from '../corpus/split.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { Session } from '../native/engine-session.ts'
import { isBidirectional } from '../options/bidirectional.ts'
import { refuse } from '../options/check.ts'
import { checkData, type GivenData } from '../options/sequence-data.ts'
import type { SequenceRecipe } from '../options/sequence-model.ts'
import { digesting } from '../training/digest.ts'
import type { PlannedData } from '../training/model-parts.ts'
import { type EngineData, engineData, type SequenceSource } from './data.ts'
import { formOf, type ResidentRows } from './parts.ts'

/** What a training's data become. */
export interface PlannedRows extends PlannedData {
  readonly data: EngineData
  readonly training: Examples
  load(session: Session): Promise<ResidentRows>
}

/** Parts of the data by their use. */
export interface Shares {
  readonly training: Examples
  readonly validation: Examples | undefined
  readonly test: Examples | undefined
}

/** @throws ERR_INVALID_OPTION for data that do not agree with the model */
export function sourceOf(
  data: GivenData,
  validationData: GivenData | undefined,
  spec: ModelSpec,
  { unrollLength }: SequenceRecipe,
): SequenceSource {
  const stream = unrollLength !== undefined
  const lastStep = spec.head.predict === 'lastStep'
  const checked = (given: GivenData, perRow: boolean) => {
    const form = formOf(spec, perRow)
    checkData(given, form)
    return engineData(given, form)
  }
  return {
    field: data.field,
    stream,
    data: checked(data, lastStep && !stream),
    others: validationData && checked(validationData, lastStep),
  }
}

/** @throws ERR_INVALID_OPTION for data that are too few for the recipe */
export function planSource(source: SequenceSource, spec: ModelSpec, recipe: SequenceRecipe): PlannedRows {
  const { field, data } = source
  if (source.stream !== (recipe.unrollLength !== undefined)) {
    refuse(
      'unrollLength',
      recipe.unrollLength,
      `${source.stream ? 'given' : 'left out'} as before, or given with other data`,
    )
  }
  const shares = source.stream ? cutSequence(data, field, spec, recipe) : cutRows(data, field, recipe)
  return planShares(source, shares, recipe)
}

/** Windows over those shares of the data. */
export function planShares(source: SequenceSource, shares: Shares, recipe: SequenceRecipe): PlannedRows {
  const { data, others } = source
  const kept = [recipe.validation.share, recipe.test.share, recipe.unrollLength]
  const load = async (session: Session): Promise<ResidentRows> => {
    const number = await session.load(data.sequence)
    const validation = others && { ...others, data: await session.load(others.sequence) }
    const part = (examples: Examples | undefined) => examples && { ...examples, data: number }
    return {
      source,
      kept,
      numbers: validation === undefined ? [number] : [number, validation.data],
      trainingData: number,
      validation: validation ?? part(shares.validation),
      test: part(shares.test),
      reload: load,
    }
  }
  return {
    data,
    training: shares.training,
    ...batchesOf(shares.training, source.field, recipe),
    time: recipe.unrollLength ?? data.time,
    digesting: () => digesting(arraysOf(data, shares.training)),
    isIn: (resident) => isSame(resident as ResidentRows, source, kept),
    load,
  }
}

function isSame(resident: ResidentRows, source: SequenceSource, kept: readonly unknown[]): boolean {
  return resident.source === source && isDeepStrictEqual(resident.kept, kept)
}

/** Everything that the training depends on. */
function arraysOf({ sequence }: EngineData, { starts, lengths }: Examples): (Uint32Array | Float32Array)[] {
  const values = [sequence.inputs, sequence.targets].flatMap((values) =>
    typeof values === 'string' ? [] : ['ids' in values ? values.ids : values.numbers],
  )
  return [...values, sequence.mask, starts, lengths].filter((array) => array !== undefined)
}

function batchesOf(examples: Examples, field: string, recipe: SequenceRecipe) {
  const { batches, batchSize, unrollLength, seed } = recipe
  if (unrollLength === undefined) {
    const lanes = Math.min(batchSize, examples.starts.length)
    return { batches: createExamplePlan(examples, { order: batches.order as ExampleOrder, lanes, seed }), lanes }
  }
  // Here a target stands beside its input, not one further as in a text.
  const plan = { ...batches, symbols: examples.time + 1, lanes: batchSize, unroll: unrollLength, seed }
  const least = minimumSymbols(plan) - 1
  if (examples.time < least) {
    const asked = `batchSize ${batchSize} and unrollLength ${unrollLength}`
    refuse(
      `${field}.shape[1]`,
      examples.time,
      `at least ${least} steps to train on with ${asked}, or make those smaller`,
    )
  }
  return { batches: createBatchPlan(plan), lanes: batchSize }
}

/** The last shares of the rows. @throws ERR_INVALID_OPTION where one has none */
function cutRows(rows: Examples, field: string, { validation, test }: SequenceRecipe): Shares {
  const count = rows.starts.length
  const split = splitCorpus(count, validation.share, test.share)
  const part = ([from, to]: readonly [number, number]): Examples | undefined =>
    from === to
      ? undefined
      : { time: rows.time, starts: rows.starts.subarray(from, to), lengths: rows.lengths?.subarray(from, to) }
  const shares = { validation: part(split.validation), test: part(split.test) }
  for (const [name, { share }] of Object.entries({ validation, test })) {
    if (share > 0 && shares[name as 'validation' | 'test'] === undefined) {
      refuse(name, share, `a larger share, or 0: of ${count} rows it keeps none`)
    }
  }
  const training = part(split.train)
  return training === undefined
    ? refuse(`${field}.shape[0]`, count, 'more rows: none are left to train on')
    : { training, ...shares }
}

/** The last shares of one long sequence. */
function cutSequence(data: EngineData, field: string, spec: ModelSpec, recipe: SequenceRecipe): Shares {
  const rows = data.starts.length
  if (rows !== 1) refuse(`${field}.shape[0]`, rows, '1 with unrollLength, which cuts windows from one long sequence')
  const steps = data.lengths?.[0] ?? data.time
  const { train, validation, test } = splitCorpus(steps, recipe.validation.share, recipe.test.share)
  const scored = (name: 'validation' | 'test', [from, to]: readonly [number, number]) =>
    recipe[name].share === 0 ? undefined : windowsToScore(name, [from, to], spec, recipe)
  return {
    training: { time: train[1], starts: Uint32Array.of(0), lengths: undefined },
    validation: scored('validation', validation),
    test: scored('test', test),
  }
}

/** A range of the sequence, as the model must be asked: step by step with its carry, or window by window. */
function windowsToScore(
  name: string,
  [from, to]: readonly [number, number],
  spec: ModelSpec,
  { unrollLength }: SequenceRecipe,
): Examples {
  const unroll = Math.min(unrollLength!, to - from)
  if (to === from) return refuse(name, 0, 'a larger share: it keeps no step of the sequence')
  const lastStep = spec.head.predict === 'lastStep'
  if (!lastStep && !isBidirectional(spec)) return { time: to - from, starts: Uint32Array.of(from), lengths: undefined }
  const stride = lastStep ? 1 : unroll
  const count = lastStep ? to - from - unroll + 1 : Math.ceil((to - from) / unroll)
  const starts = Uint32Array.from({ length: count }, (_, i) => from + i * stride)
  return { time: unroll, starts, lengths: starts.map((start) => Math.min(unroll, to - start)) }
}
