/** What a model of series has beside what a model of sequences has. */
import type { Series } from '../options/series.ts'
import type { SeriesForm } from '../options/series-model.ts'
import type { SequenceParts } from '../sequence-model/parts.ts'
import type { Scaling } from './scaling.ts'

export interface SeriesParts extends SequenceParts {
  readonly form: SeriesForm
  readonly scaling: Scaling
  /** The series trained on last; none since the model was loaded. */
  series: Series | undefined
  /** [lookback, E] its end, scaled: what a forecast goes on from. */
  tail: Float32Array
}
