/** A stream of symbols of an n-gram model, each chosen by the engine's sampler from the model's probabilities. */
import type { SamplingSetup, Session } from '../native/engine-session.ts'
import type { SamplingSession } from '../sampling/sampling.ts'
import { biasParameters } from './engine-model.ts'
import type { NgramParts } from './parts.ts'
import { contextBefore, distribution } from './probabilities.ts'

/** The engine makes logits when it is fed; that symbol has no influence on them. */
const ANY = Uint32Array.of(0)

/** One stream at a time, on a session of its own. */
export class NgramSampler implements SamplingSession {
  readonly #parts: NgramParts
  readonly #session: Session
  readonly #values: Float32Array
  readonly #logits: Float32Array
  /** The last symbols, at most `order - 1`. */
  #context = new Uint32Array()

  /** @param session of `openBiasModel` */
  constructor(parts: NgramParts, session: Session) {
    const { values, logits } = biasParameters(session)
    this.#parts = parts
    this.#session = session
    this.#values = values
    this.#logits = logits
  }

  beginSampling(setup: SamplingSetup): Promise<number> {
    return this.#session.beginSampling(setup)
  }

  async feed(_stream: number, ids: Uint32Array): Promise<void> {
    this.#keep(ids)
  }

  async sample(stream: number, count: number, signal?: AbortSignal): Promise<Uint32Array> {
    const chosen = new Uint32Array(count)
    for (let i = 0; i < count; i++) {
      this.#setLogits()
      // The session works calls off in their order, so only the last one is waited for in fact.
      const [, , next] = await Promise.all([
        this.#session.setParameters(this.#values),
        this.#session.feed(stream, ANY),
        this.#session.sample(stream, 1, signal),
      ])
      chosen.set(next, i)
      this.#keep(next)
    }
    return chosen
  }

  endSampling(stream: number): Promise<void> {
    return this.#session.endSampling(stream)
  }

  #keep(ids: Uint32Array): void {
    const kept = this.#parts.grams.order - 1
    const joined = [...this.#context, ...ids.subarray(Math.max(0, ids.length - kept))]
    this.#context = Uint32Array.from(joined.slice(Math.max(0, joined.length - kept)))
  }

  /** Below the likeliest symbol's logit, which is 0: there f32 tells the closest probabilities apart. */
  #setLogits(): void {
    const { grams } = this.#parts
    const probabilities = distribution(contextBefore(grams, this.#context, this.#context.length), this.#parts)
    const largest = probabilities.reduce((most, p) => Math.max(most, p), 0)
    probabilities.forEach((p, id) => {
      this.#logits[id] = Math.log(p / largest)
    })
  }
}
