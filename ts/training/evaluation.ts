/** Scores a text: every symbol once but the first, from all before it or from a window of the last ones. */
import { evaluationWindows } from '../batches/index.ts'
import { LossMeter, type LossReport } from '../metrics.ts'
import type { EvaluatedCall, EvaluationRequest, Session } from '../native/engine-session.ts'
import type { Context } from '../options/sampling.ts'

export interface EvaluationPlan {
  /** Number of the resident text. */
  readonly data: number
  /** Symbols in it, at least 2. */
  readonly symbols: number
  readonly context: Context
  /** Symbols that a window looks at (T). */
  readonly unrollLength: number
  /** The head predicts at the last time step alone. */
  readonly lastStep: boolean
  /** Some layer reads from the end, too: nothing can be predicted but at the last time step. */
  readonly bidirectional: boolean
  /** How the objective joins predictions; a sum is over as many as a lane of a training's window has. */
  readonly reduction: 'mean' | 'sumOverTime'
  readonly signal?: AbortSignal | undefined
}

/** Time steps of a window where the carry goes on: as long as the memory for them stays small. */
const TIME = 256
/** Windows in one call where the carry goes on: few, because what else reads the model gets its turn between calls. */
const WINDOWS = 4
/** Windows side by side where each starts from zero. */
const LANES = 64

/** @throws ERR_CORPUS_TOO_SHORT for fewer than two symbols, ERR_ABORTED */
export function evaluate(session: Session, plan: EvaluationPlan): Promise<LossReport> {
  return plan.context === 'carry' ? withCarry(session, plan) : byWindows(session, plan)
}

async function withCarry(session: Session, plan: EvaluationPlan): Promise<LossReport> {
  const meter = new LossMeter()
  await inEvaluation(session, 1, (evaluation) => runOn(session, plan, evaluation, plan.symbols, meter))
  return meter.report()
}

/** Scores symbols 1 … symbols-1 on one lane from zero carry. */
async function runOn(
  session: Session,
  plan: EvaluationPlan,
  evaluation: number,
  symbols: number,
  meter: LossMeter,
): Promise<void> {
  const windows = evaluationWindows(symbols, TIME)
  while (windows.length > 0) {
    const time = windows[0]!.length
    const count = windows.slice(0, WINDOWS).filter(({ length }) => length === time).length
    const starts = Uint32Array.from(windows.splice(0, count), ({ start }) => start)
    const resets = starts.map((start) => (start === 0 ? 1 : 0))
    const request = { data: plan.data, lanes: 1, time, starts, resets: Uint8Array.from(resets), everyStep: true }
    add(meter, plan, request, await session.evaluate(evaluation, request, plan.signal))
  }
}

/** Scores symbols 1 … symbols-1 on one lane, each as the last prediction of a window of all before it. */
async function growing(
  session: Session,
  plan: EvaluationPlan,
  evaluation: number,
  symbols: number,
  meter: LossMeter,
): Promise<void> {
  const time = symbols - 1
  for (let scored = 0; scored < time; scored += WINDOWS) {
    const lengths = Uint32Array.from({ length: Math.min(WINDOWS, time - scored) }, (_, i) => scored + 1 + i)
    const [starts, resets] = [new Uint32Array(lengths.length), new Uint8Array(lengths.length).fill(1)]
    const request = { data: plan.data, lanes: 1, time, starts, resets, lengths, everyStep: false }
    add(meter, plan, request, await session.evaluate(evaluation, request, plan.signal))
  }
}

/**
 * The first symbols have less than a window before them: they are scored from all before. Each later one is the last prediction
 * of a window of its own.
 */
async function byWindows(session: Session, plan: EvaluationPlan): Promise<LossReport> {
  const meter = new LossMeter()
  const { symbols, unrollLength } = plan
  const head = Math.min(symbols, unrollLength + 1)
  await inEvaluation(session, 1, (evaluation) => {
    const score = plan.bidirectional ? growing : runOn
    return score(session, plan, evaluation, head, meter)
  })
  const windows = symbols - head
  const whole = windows - (windows % LANES)
  for (const [lanes, from, to] of [
    [LANES, 1, 1 + whole],
    [windows - whole, 1 + whole, 1 + windows],
  ] as const) {
    if (from === to) continue
    // Only windows of one call of the engine can go without the carry that the call before left.
    const step = lanes * (plan.lastStep ? WINDOWS : 1)
    await inEvaluation(session, lanes, async (evaluation) => {
      for (let start = from; start < to; start += step) {
        await lastOfEach(session, plan, evaluation, { start, count: Math.min(step, to - start), lanes }, meter)
      }
    })
  }
  return meter.report()
}

/** `count` windows that start at `start`, `start + 1` …, dealt to the lanes. */
interface Neighbours {
  readonly start: number
  readonly count: number
  readonly lanes: number
}

/** Scores the last prediction of each window. */
async function lastOfEach(
  session: Session,
  plan: EvaluationPlan,
  evaluation: number,
  { start, count, lanes }: Neighbours,
  meter: LossMeter,
): Promise<void> {
  const { data, unrollLength, signal } = plan
  const request = (everyStep: boolean, time: number, skipped: number): EvaluationRequest => {
    const starts = Uint32Array.from({ length: count }, (_, i) => start + skipped + i)
    const resets = new Uint8Array(count).fill(skipped === 0 ? 1 : 0)
    return { data, lanes, time, starts, resets, everyStep }
  }
  // A head that predicts at every step would score the whole window: its last step gets a call of its own, on the kept carry.
  const leadIn = plan.lastStep ? 0 : unrollLength - 1
  if (leadIn > 0) await session.evaluate(evaluation, request(true, leadIn, 0), signal)
  const last = request(!plan.lastStep, unrollLength - leadIn, leadIn)
  add(meter, plan, last, await session.evaluate(evaluation, last, signal))
}

function add(meter: LossMeter, plan: EvaluationPlan, request: EvaluationRequest, call: EvaluatedCall): void {
  const summed = plan.lastStep ? 1 : plan.unrollLength
  call.counts.forEach((count, k) => {
    // A sum over time, mean over lanes, becomes that of windows as long as a training's.
    const lossSum = plan.reduction === 'mean' ? call.losses[k]! * count : call.losses[k]! * request.lanes * summed
    meter.add({ lossSum, nats: call.nats[k]!, count })
  })
}

async function inEvaluation<T>(session: Session, lanes: number, task: (evaluation: number) => Promise<T>): Promise<T> {
  const evaluation = await session.beginEvaluation(lanes)
  try {
    return await task(evaluation)
  } finally {
    await session.endEvaluation(evaluation).catch(() => {})
  }
}
