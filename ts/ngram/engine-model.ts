/**
 * The engine's sampler chooses from a model's logits, and its files hold a model. For both an n-gram model takes the smallest there is:
 * no layers, and a head whose weights are zero, so that the logits are the head's bias whatever is fed.
 */
import { memoryAvailable } from '../model/memory.ts'
import type { ModelSpec } from '../model/spec.ts'
import { type EngineDevice, openSession, type Session } from '../native/engine-session.ts'

const CPU: EngineDevice = {
  name: 'cpu',
  threads: 1,
  precision: 'f32',
  adapter: null,
  form: null,
  sampleOnCpu: false,
}
/** Name of the parameter that is the logits. */
const LOGITS = 'head.bias'

/** @param size of the vocabulary, V */
export function biasModel(size: number): ModelSpec {
  return {
    input: { kind: 'embedding', vocabulary: size, size: 1 },
    layers: [],
    head: { predict: 'everyStep', size, projection: 'linear', dropout: 0 },
    loss: { kind: 'crossEntropy', labelSmoothing: 0, reduction: 'mean' },
  }
}

/** Runs a task on the model, all of whose parameters are zero, and closes it. @throws ERR_MEMORY */
export async function withBiasModel<T>(size: number, task: (session: Session) => Promise<T>): Promise<T> {
  const session = await openBiasModel(size)
  try {
    return await task(session)
  } finally {
    session.close()
  }
}

/** The same to be closed by the caller. */
export async function openBiasModel(size: number): Promise<Session> {
  return await openSession(biasModel(size), CPU, memoryAvailable())
}

/** The parameters, all zero, and the part of them that is the logits, `[V]`. */
export function biasParameters(session: Session): { values: Float32Array; logits: Float32Array } {
  const values = session.parameters().fill(0)
  const { offset, shape } = session.layout.find(({ name }) => name === LOGITS)!
  return { values, logits: values.subarray(offset, offset + shape[0]!) }
}
