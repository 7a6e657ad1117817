/** One model in the engine, on a thread of its own, as the rest of TypeScript sees it: plain objects, signals, typed errors. */
import type { GpuForm, Precision } from '../options/device.ts'
import { NativeSession } from './native-session.ts'
import { onAbort } from './on-abort.ts'

/** One parameter in the flat buffer. */
export interface TensorPlace {
  readonly name: string
  readonly shape: readonly number[]
  /** First element in the flat buffer. */
  readonly offset: number
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
  /** [K] */
  readonly learningRates: Float64Array
}

/** One entry for each window that ran. */
export interface TrainedCall {
  /** The optimised objective. */
  readonly losses: Float64Array
  /** Plain cross-entropy, summed over the window's predictions. */
  readonly nats: Float64Array
  /** Predictions. */
  readonly counts: Float64Array
  readonly gradientNorms: Float64Array
  readonly milliseconds: Float64Array
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
  /** Predict at every step, whatever the model's head does. */
  readonly everyStep: boolean
}

export interface EvaluatedCall {
  readonly losses: Float64Array
  readonly nats: Float64Array
  readonly counts: Float64Array
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
  load(ids: Uint32Array): Promise<number>
  unload(data: number): Promise<void>
  configure(setup: Setup): Promise<void>
  trainingState(): Promise<TrainingState>
  restore(state: TrainingState): Promise<void>
  train(request: TrainingRequest, signal?: AbortSignal): Promise<TrainedCall>
  beginEvaluation(lanes: number): Promise<number>
  evaluate(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluatedCall>
  endEvaluation(evaluation: number): Promise<void>
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

  load(ids: Uint32Array): Promise<number> {
    return this.#native.load(ids)
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
    return this.#abortable(signal, (token) => this.#native.train(request, token))
  }

  beginEvaluation(lanes: number): Promise<number> {
    return this.#native.beginEvaluation(lanes)
  }

  evaluate(evaluation: number, request: EvaluationRequest, signal?: AbortSignal): Promise<EvaluatedCall> {
    return this.#abortable(signal, (token) => this.#native.evaluate(evaluation, request, token))
  }

  endEvaluation(evaluation: number): Promise<void> {
    return this.#native.endEvaluation(evaluation)
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
