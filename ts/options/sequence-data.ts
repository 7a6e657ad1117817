/** Data of a sequence model: rows of symbol ids or numbers, what they should lead to, and which of it counts. */
import { fieldIn, isList, record, refuse } from './check.ts'

/** An input id that stands for no symbol: it enters as the zero vector (and one-hot as no one), such as before a sequence's first symbol. */
export const NO_SYMBOL = -1

/** What a model reads. */
export interface SequenceInputsOptions {
  /** Row-major [rows, T] symbol ids below the vocabulary's size or NO_SYMBOL, or [rows, T, E] finite numbers. */
  inputs: Int32Array | Float32Array
  /** [rows, T] of ids, [rows, T, E] of numbers. One long sequence is one row. */
  shape: readonly number[]
  /** [rows] time steps of each row, 1 to T; what stands behind them is not looked at. @default T of all */
  lengths?: Int32Array | readonly number[]
}

/** The same with targets. */
export interface SequenceDataOptions extends SequenceInputsOptions {
  /**
   * For cross-entropy class ids (Int32Array), for squared errors finite numbers (Float32Array): at every step [rows, T] or [rows, T, O]; of
   * a model that predicts at the last step one a row, [rows] or [rows, O], unless windows are cut from one long sequence.
   */
  targets: Int32Array | Float32Array
  /** [rows, T] 1 where a step's target counts, 0 where not; for models that predict at every step. @default all count */
  mask?: Uint8Array | readonly number[]
}

/** What the data must agree with. */
export interface DataForm {
  /** Size of the inputs' vocabulary; `undefined`: inputs are numbers. */
  readonly vocabulary: number | undefined
  /** Numbers of an input. */
  readonly features: number
  /** Classes, or numbers of a target. */
  readonly outputs: number
  readonly classifier: boolean
  /** One target a row, at its last step. */
  readonly perRow: boolean
}

/** Data whose sizes agree with one another, and nothing more yet. */
export interface GivenData {
  readonly field: string
  readonly rows: number
  /** T. */
  readonly time: number
  /** E; 1 of ids. */
  readonly features: number
  readonly inputs: Int32Array | Float32Array
  /** [rows]. */
  readonly lengths: Uint32Array | undefined
  readonly targets: Int32Array | Float32Array | undefined
  /** [rows, T]. */
  readonly mask: Float32Array | undefined
}

const DATA_KEYS = ['inputs', 'shape', 'lengths', 'targets', 'mask'] as const

/** @param withTargets whether they must be there; else neither they nor their mask are looked at */
export function dataOptions(field: string, value: unknown, withTargets: boolean): GivenData {
  const given = record(field, value, DATA_KEYS)
  const at = (key: string) => fieldIn(field, key)
  const inputs = numbersOption(at('inputs'), given.inputs)
  const [rows, time, features] = shapeOption(at('shape'), given.shape, inputs)
  const masked = withTargets && given.mask !== undefined
  return {
    field,
    rows,
    time,
    features,
    inputs,
    lengths: given.lengths === undefined ? undefined : lengthsOption(at('lengths'), given.lengths, rows, time),
    targets: withTargets ? numbersOption(at('targets'), given.targets) : undefined,
    mask: masked ? maskOption(at('mask'), given.mask, rows * time) : undefined,
  }
}

function numbersOption(field: string, value: unknown): Int32Array | Float32Array {
  const known = value instanceof Int32Array || value instanceof Float32Array
  if (!known) return refuse(field, value, 'an Int32Array of ids or a Float32Array of numbers')
  return value.length > 0 ? value : refuse(field, value, 'of at least one position')
}

function shapeOption(field: string, value: unknown, inputs: Int32Array | Float32Array): [number, number, number] {
  const wants = inputs instanceof Int32Array ? '[rows, T], for ids' : '[rows, T, E], for numbers'
  if (!isList(value)) return refuse(field, value, wants)
  const sizes = Array.from(value)
  const dimensions = inputs instanceof Int32Array ? 2 : 3
  const whole = sizes.every((size): size is number => Number.isSafeInteger(size) && (size as number) >= 1)
  if (sizes.length !== dimensions || !whole) return refuse(field, value, `${wants}, each at least 1`)
  const [rows, time, features = 1] = sizes as [number, number, number?]
  if (rows * time * features !== inputs.length) {
    refuse(field, `[${sizes.join(', ')}]`, `of as many numbers as inputs has, ${inputs.length}`)
  }
  return [rows, time, features]
}

function lengthsOption(field: string, value: unknown, rows: number, time: number): Uint32Array {
  const lengths = listOf(field, value, rows, 'one a row')
  const wrong = lengths.findIndex((length) => !(Number.isInteger(length) && length >= 1 && length <= time))
  if (wrong >= 0) refuse(`${field}[${wrong}]`, lengths[wrong], `a whole number from 1 to ${time}, the shape's T`)
  return Uint32Array.from(lengths)
}

function maskOption(field: string, value: unknown, positions: number): Float32Array {
  const mask = listOf(field, value, positions, 'one a position')
  const wrong = mask.findIndex((flag) => flag !== 0 && flag !== 1)
  if (wrong >= 0) refuse(`${field}[${wrong}]`, mask[wrong], '0 or 1')
  return Float32Array.from(mask)
}

/** Numbers of whatever kind of list, as many as there must be. */
function listOf(field: string, value: unknown, length: number, which: string): number[] {
  const list = isList(value) || (ArrayBuffer.isView(value) && 'length' in value)
  if (!list) return refuse(field, value, `a list of ${length} numbers, ${which}`)
  const numbers = Array.from(value as ArrayLike<number>)
  if (numbers.length !== length) refuse(`${field}.length`, numbers.length, `${length}, ${which}`)
  return numbers
}

/** Numbers of a target, as the sizes of the data say. @throws ERR_INVALID_OPTION */
export function outputsOf({ field, rows, time, targets }: GivenData, perRow: boolean): number {
  const places = perRow ? rows : rows * time
  const outputs = targets!.length / places
  if (Number.isInteger(outputs)) return outputs
  const which = perRow ? `rows (${rows})` : `positions (${rows} x ${time})`
  return refuse(`${field}.targets.length`, targets!.length, `a multiple of ${places}, the number of ${which}`)
}

/** Checks data against a model, number by number. @throws ERR_INVALID_OPTION that names the first at fault */
export function checkData(data: GivenData, form: DataForm): void {
  checkInputs(data, form)
  if (data.targets === undefined) return
  if (form.perRow && data.mask !== undefined) {
    refuse(`${data.field}.mask`, data.mask, 'left out where there is one target a row: leave such rows out')
  }
  checkTargets(data, data.targets, form)
}

function checkInputs(data: GivenData, { vocabulary, features }: DataForm): void {
  const { field, inputs } = data
  if (vocabulary === undefined) {
    if (inputs instanceof Int32Array) refuse(`${field}.inputs`, inputs, 'a Float32Array, for the model reads numbers')
    if (data.features !== features) refuse(`${field}.shape[2]`, data.features, `${features}, the model's features`)
    refuseFirst(data, `${field}.inputs`, inputs, features, Number.isFinite, 'a finite number')
    return
  }
  if (inputs instanceof Float32Array) refuse(`${field}.inputs`, inputs, 'an Int32Array, for the model reads symbol ids')
  // The vocabulary's size is the engine's own id for no symbol.
  const isSymbol = (id: number) => id >= NO_SYMBOL && id <= vocabulary
  refuseFirst(data, `${field}.inputs`, inputs, 1, isSymbol, `an id from 0 to ${vocabulary - 1}, or NO_SYMBOL (-1)`)
}

function checkTargets(data: GivenData, targets: Int32Array | Float32Array, form: DataForm): void {
  const field = `${data.field}.targets`
  const { classifier, outputs, perRow } = form
  if (classifier !== targets instanceof Int32Array) {
    const wants = classifier
      ? 'an Int32Array of class ids, for the loss is cross-entropy'
      : 'a Float32Array, for the loss compares numbers'
    refuse(field, targets, wants)
  }
  const width = classifier ? 1 : outputs
  const found = outputsOf(data, perRow)
  if (found !== width)
    refuse(`${field}.length`, targets.length, `${(targets.length / found) * width}, ${width} a target`)
  const isTarget = classifier ? (id: number) => id >= 0 && id < outputs : Number.isFinite
  const wants = classifier ? `a class from 0 to ${outputs - 1}` : 'a finite number'
  if (!perRow) {
    refuseFirst(data, field, targets, width, isTarget, wants, data.mask)
    return
  }
  const wrong = targets.findIndex((value) => !isTarget(value))
  if (wrong >= 0) refuse(`${field}[${wrong}]`, targets[wrong], `${wants} (row ${Math.floor(wrong / width)})`)
}

/** Looks at every value of the positions within their rows' lengths and not masked. */
function refuseFirst(
  { rows, time, lengths }: GivenData,
  field: string,
  values: Int32Array | Float32Array,
  width: number,
  isRight: (value: number) => boolean,
  wants: string,
  mask: Float32Array | undefined = undefined,
): void {
  for (let row = 0; row < rows; row++) {
    for (let step = 0; step < (lengths?.[row] ?? time); step++) {
      const position = row * time + step
      if (mask?.[position] === 0) continue
      for (let at = position * width; at < (position + 1) * width; at++) {
        if (!isRight(values[at]!)) refuse(`${field}[${at}]`, values[at], `${wants} (row ${row}, step ${step})`)
      }
    }
  }
}
