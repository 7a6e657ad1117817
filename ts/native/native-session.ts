/** A model on the native addon: numbers are checked before they cross, outcomes unwrapped, errors thrown. */
import type * as Addon from '../../native/index.cjs'
import { MAX_SAMPLED } from '../limits.ts'
import { integer, optional, real, text } from '../options/check.ts'
import { binding } from './binding.ts'
import { guarded, type Unwrapped, unwrap, unwrapNow } from './unwrap.ts'

export type {
  NativeEvaluationRequest,
  NativeSequence,
  NativeTensor,
  NativeTrainingRequest,
} from '../../native/index.cjs'
export type NativeReady = Unwrapped<Addon.NativeReady>
export type NativeTrainingState = Unwrapped<Addon.NativeTrainingState>
export type NativeTrained = Unwrapped<Addon.NativeTrained>
export type NativeEvaluated = Unwrapped<Addon.NativeEvaluated>

export type NativeViewed = Unwrapped<Addon.NativeViewed>
export type NativeChecked = Unwrapped<Addon.NativeChecked>

type TrainingFields = 'training' | 'moments' | 'carryLanes' | 'carry'
type Opened = Unwrapped<Addon.NativeOpened>
/** A checkpoint's content; the fields of a training are there together or not at all. */
export type NativeOpened = Omit<Opened, TrainingFields> & Partial<Pick<Opened, TrainingFields>>

const UINT32 = 2 ** 32 - 1
const COUNT = { min: 1, max: UINT32 }
const ID = { min: 0, max: UINT32 }
const WHOLE = { min: 0 }

/**
 * One model on a thread of its own, which works off the calls in their order. An open session does not keep the process alive, an
 * unsettled promise does.
 *
 * Every method rejects with an RnnKitError: the code of what was refused, ERR_DISPOSED after `close`, ERR_ABORTED where `abort`
 * stopped it (`train` resolves instead), ERR_INTERNAL for a defect, after which the session takes no more calls.
 * Typed arrays are copied before a call returns.
 */
export class NativeSession {
  readonly #native: Addon.NativeSession

  /**
   * What is wrong with the model or the device is told by `ready`, and by every call after it.
   *
   * @param model JSON of a model's spec
   * @param device JSON of an EngineDevice
   * @param memoryLimit bytes of the host that parameters, workspaces and data may take together; Infinity = no limit
   */
  constructor(model: string, device: string, memoryLimit: number) {
    const limit = memoryLimit === Number.POSITIVE_INFINITY ? memoryLimit : real('memoryLimit', memoryLimit, { min: 0 })
    this.#native = guarded(() => new binding.NativeSession(model, device, limit))
  }

  /** Description of device and kernels; the parameters' layout as JSON `[{ name, shape, offset }]`, offsets in elements; their length. */
  ready(): Promise<NativeReady> {
    return unwrap(() => this.#native.ready())
  }

  /**
   * Draws initial values.
   *
   * @param init JSON of a rule
   * @param forgetBiases one for each recurrent layer, NaN = as the rule says
   */
  async initialize(init: string, seed: number, forgetBiases: Float64Array, token: number): Promise<void> {
    integer('seed', seed, WHOLE)
    await unwrap(() => this.#native.initialize(init, seed, forgetBiases, token))
  }

  /** Tells the garbage collector of the native memory behind this object, in bytes, until `close`. */
  reportMemory(bytes: number): void {
    this.#native.reportMemory(integer('bytes', bytes, WHOLE))
  }

  /** The flat parameters, laid out as `ready` says; waits for the call that runs now, not for those that are queued. */
  parameters(): Float32Array {
    return unwrapNow(() => this.#native.parameters()).values
  }

  /** The same, in its turn and without waiting on this thread. */
  async readParameters(): Promise<Float32Array> {
    return (await unwrap(() => this.#native.readParameters())).values
  }

  async setParameters(values: Float32Array): Promise<void> {
    await unwrap(() => this.#native.setParameters(values))
  }

  /** Hands data over; the id names them in requests. */
  async load(sequence: Addon.NativeSequence): Promise<number> {
    checkWidths(sequence)
    return (await unwrap(() => this.#native.load(sequence))).id
  }

  async unload(id: number): Promise<void> {
    integer('id', id, ID)
    await unwrap(() => this.#native.unload(id))
  }

  /** Starts a training afresh: moments at their initial values, no steps done, no carry. `setup`: JSON `{ optimizer, clip, seed }`. */
  async configure(setup: string): Promise<void> {
    await unwrap(() => this.#native.configure(setup))
  }

  /** Where the training stands; `carryLanes` 0 = no carry yet. */
  trainingState(): Promise<NativeTrainingState> {
    return unwrap(() => this.#native.trainingState())
  }

  /** Goes on where a training stood, after `configure` with its setup. `carryLanes`: 0 = no carry. */
  async restore(steps: number, moments: Float32Array[], carryLanes: number, carry: Float32Array): Promise<void> {
    integer('steps', steps, WHOLE)
    integer('carryLanes', carryLanes, ID)
    await unwrap(() => this.#native.restore(steps, moments, carryLanes, carry))
  }

  /** Trains on K windows, one optimizer step each. An aborted call resolves with `aborted` and what was done before. */
  async train(request: Addon.NativeTrainingRequest, token: number): Promise<NativeTrained> {
    checkWindows(request)
    integer('token', token)
    return unwrap(() => this.#native.train(request, token))
  }

  /** Begins an evaluation at zero carry; the id names it. */
  async beginEvaluation(lanes: number): Promise<number> {
    integer('lanes', lanes, COUNT)
    return (await unwrap(() => this.#native.beginEvaluation(lanes))).id
  }

  /** Scores K windows; the carry goes on from the evaluation's last call. */
  async evaluate(evaluation: number, request: Addon.NativeEvaluationRequest, token: number): Promise<NativeEvaluated> {
    integer('evaluation', evaluation, ID)
    checkWindows(request)
    integer('token', token)
    return unwrap(() => this.#native.evaluate(evaluation, request, token))
  }

  /** Logits or numbers of K windows, [K, T, N, outputs] or of the last step alone [K, N, outputs]; the carry goes on. */
  async predict(evaluation: number, request: Addon.NativeEvaluationRequest, token: number): Promise<Float32Array> {
    integer('evaluation', evaluation, ID)
    checkWindows(request)
    integer('token', token)
    return (await unwrap(() => this.#native.predict(evaluation, request, token))).values
  }

  /** What goes on inside on one sequence, and with `gradients` its gradients. */
  async view(sequence: Addon.NativeSequence, gradients: boolean, token: number): Promise<NativeViewed> {
    checkWidths(sequence)
    integer('token', token)
    return unwrap(() => this.#native.view(sequence, gradients, token))
  }

  /** Compares the gradients of one sequence with central differences. */
  async checkGradients(request: Addon.NativeCheckRequest, token: number): Promise<NativeChecked> {
    checkWidths(request.sequence)
    integer('draws', request.draws, COUNT)
    integer('seed', request.seed, WHOLE)
    integer('token', token)
    return unwrap(() => this.#native.checkGradients(request, token))
  }

  async endEvaluation(id: number): Promise<void> {
    integer('id', id, ID)
    await unwrap(() => this.#native.endEvaluation(id))
  }

  /** Begins a stream of samples at zero carry; the id names it. `sampling`: JSON `{ options, seed, context }`. */
  async beginSampling(sampling: string): Promise<number> {
    return (await unwrap(() => this.#native.beginSampling(sampling))).id
  }

  /** Feeds symbols to a stream. */
  async feed(stream: number, ids: Uint32Array, token: number): Promise<void> {
    integer('stream', stream, ID)
    integer('token', token)
    await unwrap(() => this.#native.feed(stream, ids, token))
  }

  /** The next `count` symbols of a stream, at most 2^20. After ERR_ABORTED the stream is of no more use. */
  async sample(stream: number, count: number, token: number): Promise<Uint32Array> {
    integer('stream', stream, ID)
    integer('count', count, { min: 0, max: MAX_SAMPLED })
    integer('token', token)
    return (await unwrap(() => this.#native.sample(stream, count, token))).ids
  }

  async endSampling(stream: number): Promise<void> {
    integer('stream', stream, ID)
    await unwrap(() => this.#native.endSampling(stream))
  }

  /**
   * Writes a checkpoint durably: the parameters, the training's state with `training`, and further tensors.
   *
   * @param metadata JSON object of strings; the keys `model` and `training` are written from the session
   */
  async save(path: string, metadata: string, extras: Addon.NativeTensor[], training: boolean): Promise<void> {
    text('path', path)
    text('metadata', metadata)
    await unwrap(() => this.#native.save(path, metadata, extras, training))
  }

  /** Stops the calls made with that token, running or still queued; nothing if there are none. */
  abort(token: number): void {
    integer('token', token)
    guarded(() => this.#native.abort(token))
  }

  /** Stops what runs, answers what is queued and what comes with ERR_DISPOSED, frees the model. Safe to call twice; never waits. */
  close(): void {
    guarded(() => this.#native.close())
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Reads a checkpoint strictly, on a thread of its own.
 *
 * @param maxFileBytes a larger file is refused; Infinity = no limit
 * @param rule JSON `{ kind, loaders, extras: [{ name, dtype, rank, optional }] }`: the kind of file, what reads other kinds, and the
 *   tensors beside the model's and its training's
 * @throws RnnKitError ERR_CHECKPOINT_…
 */
export async function openCheckpoint(path: string, maxFileBytes: number, rule: string): Promise<NativeOpened> {
  text('path', path)
  const limit =
    maxFileBytes === Number.POSITIVE_INFINITY ? maxFileBytes : real('maxFileBytes', maxFileBytes, { min: 0 })
  return unwrap(() => binding.openCheckpoint(path, limit, rule))
}

function checkWindows({ data, lanes, time }: { data: number; lanes: number; time: number }): void {
  integer('data', data, ID)
  integer('lanes', lanes, COUNT)
  integer('time', time, COUNT)
}

function checkWidths({ inputs, targets }: Addon.NativeSequence): void {
  for (const values of [inputs, targets]) optional(values?.width, (v) => integer('width', v, COUNT))
}
