/** From checked data to what the engine is handed: one sequence of positions, rows one after the other, and where they start. */
import type { Examples } from '../batches/examples.ts'
import type { Sequence, SequenceValues } from '../native/engine-session.ts'
import type { DataForm, GivenData } from '../options/sequence-data.ts'

/** Data as the engine takes them, and the rows in them. */
export interface EngineData extends Examples {
  readonly sequence: Sequence
}

/** Data as they were given, checked and copied. */
export interface SequenceSource {
  /** The option that had them. */
  readonly field: string
  /** Whether windows are cut from one long sequence. */
  readonly stream: boolean
  readonly data: EngineData
  /** Data of their own for validation. */
  readonly others: EngineData | undefined
}

/** Copies, because the caller may write to the arrays at any time; what is not looked at becomes harmless. The data were checked. */
export function engineData(data: GivenData, form: DataForm): EngineData {
  const { rows, time, lengths } = data
  return {
    sequence: {
      inputs: inputsOf(data, form),
      targets: data.targets === undefined ? 'none' : targetsOf(data, data.targets, form),
      mask: data.mask,
      used: lengths === undefined ? undefined : usedRanges(time, lengths),
    },
    time,
    starts: Uint32Array.from({ length: rows }, (_, row) => row * time),
    lengths,
  }
}

function inputsOf({ inputs }: GivenData, { vocabulary, features }: DataForm): SequenceValues {
  if (vocabulary === undefined) return { numbers: Float32Array.from(inputs, finiteOrZero), width: features }
  return { ids: Uint32Array.from(inputs, (id) => (id >= 0 && id < vocabulary ? id : vocabulary)) }
}

function targetsOf(data: GivenData, targets: Int32Array | Float32Array, form: DataForm): SequenceValues {
  const { classifier, outputs, perRow } = form
  const width = classifier ? 1 : outputs
  const placed = perRow ? atLastSteps(data, targets, width) : targets
  if (!classifier) return { numbers: Float32Array.from(placed, finiteOrZero), width }
  return { ids: Uint32Array.from(placed, (id) => (id >= 0 && id < outputs ? id : 0)) }
}

/** Only where nobody looks is anything but a finite number left. */
function finiteOrZero(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** The engine has targets position by position: a row's stands at its last step, and no other step of it is looked at. */
function atLastSteps({ rows, time, lengths }: GivenData, targets: Int32Array | Float32Array, width: number) {
  const placed = targets instanceof Int32Array ? new Int32Array(rows * time) : new Float32Array(rows * time * width)
  for (let row = 0; row < rows; row++) {
    const last = row * time + (lengths?.[row] ?? time) - 1
    placed.set(targets.subarray(row * width, (row + 1) * width), last * width)
  }
  return placed
}

/** [start, end, …] of each row. */
function usedRanges(time: number, lengths: Uint32Array): Uint32Array {
  const bounds = new Uint32Array(2 * lengths.length)
  lengths.forEach((length, row) => {
    bounds[2 * row] = row * time
    bounds[2 * row + 1] = row * time + length
  })
  return bounds
}
