/** The options of a sequence model's `evaluate`, `predict` and `setParameter`. */
import { isList, oneOf, optional, real, record, refuse } from './check.ts'
import { orDefault } from './or-default.ts'
import { signalOption } from './sampling.ts'
import { dataOptions, type GivenData, type SequenceDataOptions, type SequenceInputsOptions } from './sequence-data.ts'

export interface EvaluateSequenceOptions {
  data: SequenceDataOptions
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface PredictSequenceOptions {
  /** Targets may be among them, and are not looked at. */
  data: SequenceInputsOptions | SequenceDataOptions
  /** Of classes: scores, or their softmax. Refused for a model of numbers. @default 'logits' */
  output?: PredictionOutput
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export interface UnrollSequenceOptions {
  /** One row. */
  data: SequenceInputsOptions
  /** Stops with ERR_ABORTED. @default none */
  signal?: AbortSignal
}

export type PredictionOutput = 'logits' | 'probabilities'
export function evaluateSequenceOptions(value: unknown): { data: GivenData; signal: AbortSignal | undefined } {
  const given = record('', value, ['data', 'signal'])
  return {
    data: dataOptions('data', given.data, true),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

export function unrollSequenceOptions(value: unknown): { data: GivenData; signal: AbortSignal | undefined } {
  const given = record('', value, ['data', 'signal'])
  return {
    data: dataOptions('data', given.data, false),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

export function predictSequenceOptions(value: unknown, classifier: boolean) {
  const given = record('', value, ['data', 'output', 'signal'])
  if (given.output !== undefined && !classifier) {
    refuse('output', given.output, 'left out: the model predicts numbers, as they are')
  }
  return {
    data: dataOptions('data', given.data, false),
    output: oneOf('output', orDefault(given.output, 'logits'), ['logits', 'probabilities']),
    signal: optional(given.signal, (v) => signalOption('signal', v)),
  }
}

/** Values of a parameter. */
export function parameterValues(field: string, value: unknown, size: number): Float32Array {
  const list = isList(value) || value instanceof Float32Array || value instanceof Float64Array
  if (!list) return refuse(field, value, `${size} numbers, row-major`)
  const numbers = Array.from(value as ArrayLike<unknown>)
  if (numbers.length !== size) refuse(`${field}.length`, numbers.length, `${size}, as many as the tensor has`)
  return Float32Array.from(numbers, (number, i) => Math.fround(real(`${field}[${i}]`, number)))
}
