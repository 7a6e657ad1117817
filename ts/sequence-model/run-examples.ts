/** Goes over examples with a model: in batches that fit the memory, long ones piece by piece on the carry that the piece before left. */
import { examplesAsWindows } from '../batches/examples.ts'
import type { WindowPlan } from '../batches/types.ts'
import type { ModelSpec } from '../model/spec.ts'
import type { EvaluationRequest, Session } from '../native/engine-session.ts'
import { isBidirectional } from '../options/bidirectional.ts'
import type { ResidentExamples } from './parts.ts'

/** Lanes side by side, at most. */
const LANES = 64
/** Positions of one call, about. */
const POSITIONS = 16_384
/** Numbers that come back from one call, about: 64 MB. Heads of many outputs get fewer positions. */
const LOGITS = 2 ** 24
/** Time steps of a piece of a long example. */
const PIECE = 256

/** One call of the engine. */
export interface ExamplesCall {
  readonly evaluation: number
  readonly request: EvaluationRequest
  /** The example in the first lane of the first window; the others follow, window by window. */
  readonly first: number
  /** Examples of the call; lanes after them are empty. */
  readonly count: number
  /** The first time step of the piece. */
  readonly step: number
}

/** @param act is called once for each call of the engine, in their order */
export async function overExamples(
  session: Session,
  spec: ModelSpec,
  examples: ResidentExamples,
  act: (call: ExamplesCall) => Promise<void>,
): Promise<void> {
  const positions = Math.max(1, Math.min(POSITIONS, Math.floor(LOGITS / spec.head.size)))
  const atOnce = Math.floor(positions / Math.min(PIECE, examples.time))
  const lanes = Math.max(1, Math.min(LANES, atOnce, examples.starts.length))
  const inPieces = examples.time > PIECE && spec.head.predict === 'everyStep' && !isBidirectional(spec)
  const windows = inPieces ? 1 : Math.max(1, Math.floor(positions / (lanes * examples.time)))
  const evaluation = await session.beginEvaluation(lanes)
  try {
    for (let first = 0; first < examples.starts.length; first += lanes * windows) {
      const count = Math.min(lanes * windows, examples.starts.length - first)
      const places = Math.ceil(count / lanes) * lanes
      const chosen = examplesAsWindows(examples, places, (lane) => (lane < count ? first + lane : undefined))
      for (const { step, ...request } of piecesOf(examples, chosen, inPieces ? PIECE : examples.time)) {
        await act({ evaluation, request: { ...request, lanes, everyStep: false }, first, count, step })
      }
    }
  } finally {
    await session.endEvaluation(evaluation).catch(() => {})
  }
}

/** The chosen examples from beginning to end; only the first piece starts from zero. */
function* piecesOf({ data, time }: ResidentExamples, { starts, resets, lengths }: WindowPlan, piece: number) {
  for (let step = 0; step < time; step += piece) {
    const steps = Math.min(piece, time - step)
    yield {
      data,
      step,
      time: steps,
      starts: step === 0 ? starts : starts.map((start) => start + step),
      resets: step === 0 ? resets : new Uint8Array(resets.length),
      lengths: lengths?.map((length) => Math.max(0, Math.min(steps, length - step))),
    }
  }
}
