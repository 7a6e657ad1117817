/** Windows of a series, and what the model says comes after them: at once, or feeding itself. */
import type { Sequence } from '../native/engine-session.ts'
import type { SeriesForm } from '../options/series-model.ts'
import type { ResidentExamples } from '../sequence-model/parts.ts'
import { predictAll } from '../sequence-model/predict.ts'
import type { SeriesParts } from './parts.ts'

/** Numbers of the windows that are looked at together, about. */
const NUMBERS = 2 ** 20

/** [count, lookback x E]: the windows that start at steps 0 … count - 1. */
export function windowsAsFeatures(
  values: Float32Array,
  count: number,
  { lookback, features }: Pick<SeriesForm, 'lookback' | 'features'>,
): Float32Array {
  const width = lookback * features
  const windows = new Float32Array(count * width)
  for (let i = 0; i < count; i++) windows.set(values.subarray(i * features, i * features + width), i * width)
  return windows
}

/**
 * Predicts the `ahead`-th step after each window, or all of them.
 * @param windows [count, lookback, E], scaled; overwritten
 * @param each told of every step after the windows, from 1 on: [count, targets], scaled
 */
export async function predictAhead(
  parts: SeriesParts,
  windows: Float32Array,
  ahead: number,
  signal: AbortSignal | undefined,
  each: (step: number, values: Float32Array) => void,
): Promise<void> {
  const { horizon, targets } = parts.form
  for (let done = 0; done < ahead; done += horizon) {
    const found = await predictWindows(parts, windows, signal)
    const known = Math.min(horizon, ahead - done)
    for (let step = 0; step < known; step++) {
      const values = stepOf(found, step, horizon * targets.length, targets.length)
      each(done + step + 1, values)
      if (done + horizon < ahead) append(windows, values, parts.form)
    }
  }
}

/** Step `step` of [count, horizon, targets]. */
function stepOf(found: Float32Array, step: number, width: number, targets: number): Float32Array {
  const count = found.length / width
  const values = new Float32Array(count * targets)
  for (let i = 0; i < count; i++) {
    const at = i * width + step * targets
    values.set(found.subarray(at, at + targets), i * targets)
  }
  return values
}

/** Each window loses its oldest step and gains a new one, of all features. */
function append(windows: Float32Array, values: Float32Array, { lookback, features }: SeriesForm): void {
  const width = lookback * features
  for (let at = 0, i = 0; at < windows.length; at += width, i++) {
    windows.copyWithin(at, at + features, at + width)
    windows.set(values.subarray(i * features, (i + 1) * features), at + width - features)
  }
}

/** [count, horizon, targets] of [count, lookback, E]. */
async function predictWindows(
  parts: SeriesParts,
  windows: Float32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { session, spec, form } = parts
  const width = form.lookback * form.features
  const count = windows.length / width
  const found = new Float32Array(count * spec.head.size)
  const together = Math.max(1, Math.floor(NUMBERS / width))
  for (let first = 0; first < count; first += together) {
    const some = windows.subarray(first * width, (first + together) * width)
    const { sequence, ...examples } = asRows(some, form)
    const data = await session.load(sequence)
    try {
      const { values } = await predictAll(session, spec, { ...examples, data }, 'logits', signal)
      found.set(values, first * spec.head.size)
    } finally {
      await session.unload(data).catch(() => {})
    }
  }
  return found
}

/** The windows one after the other, as the layout has them. */
function asRows(windows: Float32Array, form: SeriesForm): Omit<ResidentExamples, 'data'> & { sequence: Sequence } {
  const { lookback, features, layout } = form
  const [time, width] = layout === 'steps' ? [lookback, features] : [1, lookback * features]
  const starts = Uint32Array.from({ length: windows.length / (time * width) }, (_, i) => i * time)
  return { sequence: { inputs: { numbers: windows, width }, targets: 'none' }, time, starts, lengths: undefined }
}
