/** What of a model of series goes into a file as metadata and tensors, and back with everything checked. */
import {
  checkKeys,
  FoundTensors,
  fileTensor,
  readOptions,
  refuseTensor,
  type StoredTensor,
} from '../model/model-file.ts'
import { integer, record, refuse } from '../options/check.ts'
import type { SequenceRecipe } from '../options/sequence-model.ts'
import { FORM_KEYS, type SeriesForm, seriesForm, seriesRecipe } from '../options/series-model.ts'
import type { FileKind, SavedState } from '../training/load-model.ts'
import type { ModelFile } from '../training/trained-model.ts'
import {
  foundTraining,
  readTrainingOptions,
  TRAINED_KEYS,
  TRAINING_KEYS,
  TRAINING_TENSORS,
  trainingOptions,
  trainingTensors,
} from '../training/training-file.ts'
import type { SeriesParts } from './parts.ts'
import type { Scaling } from './scaling.ts'

const KIND = 'series-model'
const [SHIFT, FACTOR, TAIL] = ['series.shift', 'series.factor', 'series.tail']

interface SeriesState extends SavedState<SequenceRecipe>, Pick<SeriesParts, 'form' | 'scaling' | 'tail'> {}

export function seriesToFile(state: SeriesState): ModelFile {
  const options = { ...state.form, ...trainingOptions(state) }
  return {
    metadata: { kind: KIND, options: JSON.stringify(options) },
    tensors: [
      fileTensor(SHIFT, 'F64', state.scaling.shift),
      fileTensor(FACTOR, 'F64', state.scaling.factor),
      fileTensor(TAIL, 'F64', Float64Array.from(state.tail)),
      ...trainingTensors(state),
    ],
  }
}

export const SERIES_FILE: FileKind<SeriesState> = {
  kind: KIND,
  tensors: [
    ...[SHIFT, FACTOR, TAIL].map((name) => ({ name, dtype: 'F64' as const, rank: 1, optional: false })),
    ...TRAINING_TENSORS,
  ],
  read: seriesFromFile,
  check: ({ input, head, layers }, { form }) => {
    const { lookback, horizon, features, targets, layout } = form
    const width = layout === 'steps' ? features : lookback * features
    const found = input.kind === 'real' ? input.size : input.kind
    if (found !== width) refuse('input', found, `${width} numbers, as the options say`)
    if (head.size !== horizon * targets.length) refuse('head', head.size, `${horizon * targets.length} outputs`)
    if (head.predict !== 'lastStep') refuse('head', head.predict, "'lastStep'")
    seriesForm(
      form,
      features,
      layers.some((layer) => layer.kind === 'recurrent'),
    )
  },
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_TENSOR */
function seriesFromFile(metadata: Record<string, string>, tensors: readonly StoredTensor[]): SeriesState {
  checkKeys(metadata, KIND, TRAINED_KEYS)
  const options = readOptions(metadata, (value) => {
    const given = record('', value, [...FORM_KEYS, ...TRAINING_KEYS])
    // Whether its layers are recurrent is looked at with the model.
    const form = seriesForm(given, integer('features', given.features, { min: 1 }), true)
    return { form, ...readTrainingOptions(given, seriesRecipe) }
  })
  const found = new FoundTensors(tensors)
  return { ...options, ...numbersOf(found, options.form), ...foundTraining(found, options.recipe) }
}

function numbersOf(found: FoundTensors, { lookback, features }: SeriesForm): { scaling: Scaling; tail: Float32Array } {
  const numbers = (name: string, length: number, isRight: (number: number) => boolean) => {
    const values = new Float64Array(found.buffer(name))
    if (values.length !== length) refuseTensor(name, `it has ${values.length} numbers, not ${length}`)
    const wrong = values.find((number) => !(Number.isFinite(number) && isRight(number)))
    return wrong === undefined ? values : refuseTensor(name, `it has ${wrong}`)
  }
  const any = () => true
  return {
    scaling: { shift: numbers(SHIFT, features, any), factor: numbers(FACTOR, features, (number) => number > 0) },
    tail: Float32Array.from(numbers(TAIL, lookback * features, any)),
  }
}
