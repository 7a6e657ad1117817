/** One model in the engine, on a thread of its own, as the rest of TypeScript sees it: plain objects, signals, typed errors. */
import { defined } from '../defined.ts'
import type { CellName } from '../options/cell.ts'
import type { GpuForm, Precision } from '../options/device.ts'
import { type NativeSequence, NativeSession, type NativeViewed } from './native-session.ts'
import { onAbort } from './on-abort.ts'

/** One parameter in the flat buffer. */
export interface TensorPlace {
  readonly name: string
  readonly shape: readonly number[]
  /** First element in the flat buffer. */
  readonly offset: number
}

/** Symbol ids, or rows of `width` numbers. */
export type SequenceValues = { readonly ids: Uint32Array } | { readonly numbers: Float32Array; readonly width: number }

/** Data of one model, position by position. */
export interface Sequence {
  /** An id equal to the vocabulary is no symbol, the zero vector, unless the targets are shifted. */
  readonly inputs: SequenceValues
  /** For each position; 'shifted': the input after it; 'none': the data can be predicted from only. */
  readonly targets: SequenceValues | 'shifted' | 'none'
  /** [positions] 1 where the target counts, 0 where not; `undefined` = all count. */
  readonly mask?: Float32Array | undefined
  /** Start and end of each range of positions that windows use, in order; `undefined` = all. The others are never looked at. */
  readonly used?: Uint32Array | undefined
}

/** A text: the target of each symbol is the next. */
export function textSequence(ids: Uint32Array): Sequence {
  return { inputs: { ids }, targets: 'shifted' }
}

export interface TrainingRequest {
  /** Number of the resident text. */
  readonly data: number
  /** N. */
  readonly lanes: number
  /** T. */
  readonly time: number
  /** [K, N] */
  readonly starts: Uint32Array
  /** [K, N] */
  readonly resets: Uint8Array
  /** [K, N] time steps of each lane's sequence, 0 to T; `undefined` = T of all. */
  readonly lengths?: Uint32Array | undefined
  /** [K] */
  readonly learningRates: Float64Array
}

/**
 * How a call's milliseconds were taken: 'window': each window by itself; 'timestamps': each by the device's own clock; 'call': the call's
 * wall time, shared evenly.
 */
export type Timing = 'window' | 'timestamps' | 'call'

/** One entry for each window that ran. */
export interface TrainedCall {
  /** The optimised objective. */
  readonly losses: Float64Array
  /** Plain cross-entropy, summed over the window's predictions. */
  readonly nats: Float64Array
  /** Predictions. */
  readonly counts: Float64Array
  readonly gradientNorms: Float64Array
  /** How long each window took. */
  readonly milliseconds: Float64Array
  readonly timing: Timing
  readonly clipped: Uint8Array
  readonly nonFinite: Uint8Array
  /** Optimizer steps that were done. */
  readonly applied: number
  readonly aborted: boolean
}

export interface EvaluationRequest {
  readonly data: number
  readonly lanes: number
  readonly time: number
  readonly starts: Uint32Array
  readonly resets: Uint8Array
  /** [K, N] time steps of each lane's sequence, 0 to T; `undefined` = T of all. */
  readonly lengths?: Uint32Array | undefined
  /** Predict at every step, whatever the model's head does. */
  readonly everyStep: boolean
}

export interface EvaluatedCall {
  readonly losses: Float64Array
  readonly nats: Float64Array
  readonly counts: Float64Array
}

/** What goes on inside a model on one sequence of T positions; row t is of position t. */
export interface ViewedCall {
  /** The objective; 0 without gradients. */
  readonly loss: number
  /** Each direction of each recurrent layer, the forward one first. */
  readonly layers: readonly ViewedLayer[]
  /** [T, outputs], or [1, outputs] of a head that predicts at the last step. */
  readonly logits: Float32Array
  /** Flat, of the parameters without the statistics; empty without gradients. */
  readonly gradients: Float32Array
}

export interface ViewedLayer {
  /** Number among the recurrent layers. */
  readonly layer: number
  /** Whether it reads from the end. */
  readonly reverse: boolean
  readonly cell: CellName
  /** H. */
  readonly size: number
  /** Names of the gates, in their order. */
  readonly gateNames: readonly string[]
  /** [T, H] */
  readonly hidden: Float32Array
  /** [T, G*H], activated. */
  readonly gates: Float32Array
  /** [T, H]; empty where the cell has none. */
  readonly cellState: Float32Array
  /** dL/dh, [T, H]; empty without gradients. */
  readonly hiddenGradient: Float32Array
}

export interface CheckRequest {
  /** With targets. */
  readonly sequence: Sequence
  /** Parameters of each tensor. */
  readonly draws: number
  readonly seed: number
}

export interface CheckedCall {
  readonly largestError: number
  /** The tensor's name. */
  readonly tensor: string
  /** Place in the tensor. */
  readonly index: number
  readonly analytic: number
  readonly numeric: number
  /** Parameters. */
  readonly checked: number
}

export interface TrainingState {
  /** Optimizer steps since the training was configured. */
  readonly steps: number
  readonly moments: readonly Float32Array[]
  /** 0 = no carry. */
  readonly carryLanes: number
  readonly carry: Float32Array
}

export interface FileTensor {
  readonly name: string
  readonly dtype: 'F64' | 'U32' | 'U8'
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** JSON of the engine's TrainingSetup. */
export interface Setup {
  readonly optimizer: unknown
  readonly clip: unknown
  /** Of the dropout masks. */
  readonly seed: number
}

/** JSON of the engine's Sampling. */
export interface SamplingSetup {
  readonly options: unknown
  readonly seed: number
  readonly context: { readonly kind: 'carry' } | { readonly kind: 'window'; readonly length: number }
}

/** JSON of the engine's DeviceSpec; what belongs to a GPU alone is 'f32', null and false elsewhere. */
export interface EngineDevice {
  readonly name: 'cpu' | 'gpu' | 'reference'
  readonly threads: number
  readonly precision: Precision
  /** A GPU's number or a part of its name; null = the first, software only where there is nothing else. */
  readonly adapter: string | null
  /** null = by the engine's table. */
  readonly form: GpuForm | null
  /** What trains on a GPU samples on a CPU. */
  readonly sampleOnCpu: boolean
}

/** Calls are worked off in their order. A signal that is raised ends a call with ERR_ABORTED; `train` tells what it had done. */
export interface Session {
  /** The device in words. */
  readonly description: string
  readonly layout: readonly TensorPlace[]
  initialize(init: unknown, seed: number, forgetBiases: Float64Array, signal?: AbortSignal): Promise<void>
  /** All parameters, flat by the layout; waits for the call that runs now. */
  parameters(): Float32Array
  /** The same, without waiting on this thread. */
  readParameters(): Promise<Float32Array>
  setParameters(values: Float32Array): Promise<void>
  load(sequence: Sequence): Promise<number>
  unload(data: number): Promise<void>
  configure(setup: Setup): Promise<void>
  trainingState(): Promise<TrainingState>
  restore(state: TrainingState): Promise<void>
  train(request: TrainingRequest, signal?: AbortSignal): Promise<TrainedCall>
  beginEvaluation(lanes: number): Promise<number>
  evaluate(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluatedCall>
  /** Logits or numbers: [K, T, N, outputs] where every step is predicted, zero past a lane's end, else [K, N, outputs]. */
  predict(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<Float32Array>
  endEvaluation(evaluation: number): Promise<void>
  /** From zero carry, without dropout. */
  view(sequence: Sequence, gradients: boolean, signal?: AbortSignal): Promise<ViewedCall>
  checkGradients(request: CheckRequest, signal?: AbortSignal): Promise<CheckedCall>
  beginSampling(sampling: SamplingSetup): Promise<number>
  feed(stream: number, ids: Uint32Array, signal?: AbortSignal): Promise<void>
  sample(stream: number, count: number, signal?: AbortSignal): Promise<Uint32Array>
  endSampling(stream: number): Promise<void>
  save(path: string, metadata: Record<string, string>, extras: readonly FileTensor[], training: boolean): Promise<void>
  /** Idempotent; what waits or comes later ends with ERR_DISPOSED. */
  close(): void
}

/** Parameters, gradients, two moments and about four packed copies, of 4 bytes each: enough for a garbage collector to judge by. */
const BYTES_OF_A_PARAMETER = 32

/**
 * @param memoryLimit bytes of the host; what a GPU has is the engine's to find out
 * @throws ERR_INVALID_OPTION, ERR_MEMORY, ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_FAILED
 */
export async function openSession(model: unknown, device: EngineDevice, memoryLimit: number): Promise<Session> {
  const native = new NativeSession(JSON.stringify(model), JSON.stringify(device), memoryLimit)
  try {
    const { description, layout, length } = await native.ready()
    native.reportMemory(length * BYTES_OF_A_PARAMETER)
    return new EngineSession(native, description, JSON.parse(layout) as TensorPlace[])
  } catch (error) {
    native.close()
    throw error
  }
}

class EngineSession implements Session {
  readonly description: string
  readonly layout: readonly TensorPlace[]
  readonly #native: NativeSession
  #nextToken = 1

  constructor(native: NativeSession, description: string, layout: readonly TensorPlace[]) {
    this.#native = native
    this.description = description
    this.layout = layout
  }

  initialize(init: unknown, seed: number, forgetBiases: Float64Array, signal?: AbortSignal): Promise<void> {
    const drawn = JSON.stringify(init)
    return this.#abortable(signal, (token) => this.#native.initialize(drawn, seed, forgetBiases, token))
  }

  parameters(): Float32Array {
    return this.#native.parameters()
  }

  readParameters(): Promise<Float32Array> {
    return this.#native.readParameters()
  }

  setParameters(values: Float32Array): Promise<void> {
    return this.#native.setParameters(values)
  }

  load(sequence: Sequence): Promise<number> {
    return this.#native.load(nativeSequence(sequence))
  }

  unload(data: number): Promise<void> {
    return this.#native.unload(data)
  }

  configure(setup: Setup): Promise<void> {
    return this.#native.configure(JSON.stringify(setup))
  }

  trainingState(): Promise<TrainingState> {
    return this.#native.trainingState()
  }

  restore({ steps, moments, carryLanes, carry }: TrainingState): Promise<void> {
    return this.#native.restore(steps, [...moments], carryLanes, carry)
  }

  train(request: TrainingRequest, signal?: AbortSignal): Promise<TrainedCall> {
    return this.#abortable(signal, (token) => this.#native.train(nativeRequest(request), token))
  }

  beginEvaluation(lanes: number): Promise<number> {
    return this.#native.beginEvaluation(lanes)
  }

  evaluate(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluatedCall> {
    return this.#abortable(signal, (token) => this.#native.evaluate(evaluation, nativeRequest(request), token))
  }

  predict(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<Float32Array> {
    return this.#abortable(signal, (token) => this.#native.predict(evaluation, nativeRequest(request), token))
  }

  endEvaluation(evaluation: number): Promise<void> {
    return this.#native.endEvaluation(evaluation)
  }

  async view(sequence: Sequence, gradients: boolean, signal?: AbortSignal): Promise<ViewedCall> {
    const native = nativeSequence(sequence)
    return viewedCall(await this.#abortable(signal, (token) => this.#native.view(native, gradients, token)))
  }

  checkGradients({ sequence, draws, seed }: CheckRequest, signal?: AbortSignal): Promise<CheckedCall> {
    const request = { sequence: nativeSequence(sequence), draws, seed }
    return this.#abortable(signal, (token) => this.#native.checkGradients(request, token))
  }

  beginSampling(sampling: SamplingSetup): Promise<number> {
    return this.#native.beginSampling(JSON.stringify(sampling))
  }

  feed(stream: number, ids: Uint32Array, signal?: AbortSignal): Promise<void> {
    return this.#abortable(signal, (token) => this.#native.feed(stream, ids, token))
  }

  sample(stream: number, count: number, signal?: AbortSignal): Promise<Uint32Array> {
    return this.#abortable(signal, (token) => this.#native.sample(stream, count, token))
  }

  endSampling(stream: number): Promise<void> {
    return this.#native.endSampling(stream)
  }

  save(
    path: string,
    metadata: Record<string, string>,
    extras: readonly FileTensor[],
    training: boolean,
  ): Promise<void> {
    const tensors = extras.map((extra) => ({ ...extra, shape: [...extra.shape] }))
    return this.#native.save(path, JSON.stringify(metadata), tensors, training)
  }

  close(): void {
    this.#native.close()
  }

  async #abortable<T>(signal: AbortSignal | undefined, call: (token: number) => Promise<T>): Promise<T> {
    const token = this.#nextToken++
    if (signal === undefined) return await call(token)
    if (signal.aborted) throw signal.reason
    const stopHearing = onAbort(signal, () => this.#native.abort(token))
    try {
      return await call(token)
    } finally {
      stopHearing()
    }
  }
}

function nativeSequence({ inputs, targets, mask, used }: Sequence): NativeSequence {
  const given = typeof targets === 'string' ? undefined : targets
  return defined({ inputs, targets: given, shifted: targets === 'shifted', mask, used }) as NativeSequence
}

function viewedCall({ loss, layers, logits, gradients, ...lists }: NativeViewed): ViewedCall {
  type Described = Pick<ViewedLayer, 'layer' | 'reverse' | 'cell' | 'size'> & { gates: string[] }
  const viewed = (JSON.parse(layers) as Described[]).map(({ gates, ...described }, i): ViewedLayer => {
    return {
      ...described,
      gateNames: gates,
      hidden: lists.hidden[i]!,
      gates: lists.gates[i]!,
      cellState: lists.cellStates[i]!,
      hiddenGradient: lists.hiddenGradients[i]!,
    }
  })
  return { loss, layers: viewed, logits, gradients }
}

/** A key that is there with `undefined` is no key that is left out. */
function nativeRequest<Request extends { readonly lengths?: Uint32Array | undefined }>({
  lengths,
  ...request
}: Request) {
  return lengths === undefined ? request : { ...request, lengths }
}
