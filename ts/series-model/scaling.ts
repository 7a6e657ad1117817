/** Scaling of a series' features: learnt from its training part, stored with the model. */
import { refuse } from '../options/check.ts'
import type { Series } from '../options/series.ts'
import type { SeriesScale } from '../options/series-model.ts'

/** scaled = (value - shift) / factor, for each feature. */
export interface Scaling {
  /** [E]. */
  readonly shift: Float64Array
  /** [E] above 0. */
  readonly factor: Float64Array
}

/**
 * @param steps of the training part, the first of the series
 * @param targets the features that are predicted
 * @throws ERR_INVALID_OPTION for a feature that is constant there, unless it may be
 */
export function learnScaling(
  { field, features, values }: Series,
  steps: number,
  { scale, targets }: { readonly scale: SeriesScale; readonly targets: readonly number[] },
): Scaling {
  const shift = new Float64Array(features)
  const factor = new Float64Array(features).fill(1)
  for (let feature = 0; feature < features; feature++) {
    const column = Float64Array.from({ length: steps }, (_, step) => values[step * features + feature]!)
    const spread = measure(column, scale)
    const needed = targets.includes(feature)
    if (spread.constant && (needed || scale === 'standard' || scale === 'minMax')) {
      const remedy = needed
        ? 'there is nothing to predict'
        : "leave that feature out, or take scale 'auto' or 'none', which let it be"
      refuse(`${field} (feature ${feature})`, column[0], `a feature that changes within the training part; ${remedy}`)
    }
    shift[feature] = spread.shift
    factor[feature] = spread.factor
  }
  return { shift, factor }
}

function measure(column: Float64Array, scale: SeriesScale): { shift: number; factor: number; constant: boolean } {
  const least = column.reduce((a, b) => Math.min(a, b))
  const greatest = column.reduce((a, b) => Math.max(a, b))
  if (least === greatest) return { shift: scale === 'none' ? 0 : least, factor: 1, constant: true }
  switch (scale) {
    case 'none':
      return { shift: 0, factor: 1, constant: false }
    case 'minMax':
      return { shift: least, factor: greatest - least, constant: false }
    default: {
      const mean = column.reduce((a, b) => a + b, 0) / column.length
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length
      return { shift: mean, factor: Math.sqrt(variance), constant: false }
    }
  }
}

/** [steps, E] scaled. */
export function scaled({ features, values }: Series, { shift, factor }: Scaling): Float32Array {
  return Float32Array.from(values, (value, i) => (value - shift[i % features]!) / factor[i % features]!)
}

/** One number of a feature as it was. */
export function unscaled({ shift, factor }: Scaling, feature: number, value: number): number {
  return value * factor[feature]! + shift[feature]!
}
