/** The teaching views of a model of sequences, which reads one row from zero carry. */
import { refuse } from '../options/check.ts'
import { checkData, type GivenData } from '../options/sequence-data.ts'
import { type GradientNorms, sequenceGradientNorms } from '../views/gradient-norms.ts'
import { type Unrolled, unrollSequence } from '../views/unroll.ts'
import { engineData } from './data.ts'
import { formOf, type SequenceParts } from './parts.ts'

export async function unrollRow(
  { session, spec }: SequenceParts,
  data: GivenData,
  signal?: AbortSignal,
): Promise<Unrolled> {
  const { inputs } = oneRow(data, spec)
  return await unrollSequence(session, inputs, spec.head.size, signal)
}

export async function rowGradientNorms(
  { session, spec, recipe }: SequenceParts,
  data: GivenData,
  signal?: AbortSignal,
): Promise<GradientNorms> {
  return await sequenceGradientNorms(session, oneRow(data, spec), recipe.clip, signal)
}

/** The row as the engine takes it. @throws ERR_INVALID_OPTION */
function oneRow(data: GivenData, spec: SequenceParts['spec']) {
  const { field, rows, lengths } = data
  if (rows !== 1) refuse(`${field}.shape[0]`, rows, '1: a view looks at one row')
  if (lengths !== undefined) refuse(`${field}.lengths`, [...lengths], 'left out: the row is as long as its shape says')
  const form = formOf(spec, spec.head.predict === 'lastStep')
  checkData(data, form)
  return engineData(data, form).sequence
}
