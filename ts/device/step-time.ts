/** How long a step of a training takes, found out by doing some on the session that is to do the work. */
import type { Session, Setup } from '../native/engine-session.ts'

export interface StepWork {
  readonly setup: Setup
  /** N. */
  readonly lanes: number
  /** T. */
  readonly time: number
  /** The training text: more than T symbols. */
  readonly ids: Uint32Array
}

/** Symbols in which the windows' starts lie. */
const SPREAD = 4096
/** Calls that are timed at most, and milliseconds after which no other is begun. */
const MOST = { calls: 5, ms: 1000 }
/** Milliseconds of a call, as in a training: a GPU's wait for its results counts once a call. */
const CALL_MS = 50
/** Windows in a call, however short they are. */
const MOST_WINDOWS = 16

/**
 * Milliseconds of a step: the median over a few calls, the first not counted, in which weights are packed and shaders compiled. At a
 * learning rate of 0; the session is as before but for its training, which has to be configured anew.
 *
 * @param enough a first call that is no longer (in milliseconds) is answer enough
 * @throws the signal's reason, and whatever the engine throws
 */
export async function stepTime(
  session: Session,
  work: StepWork,
  enough: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  await session.configure(work.setup)
  const ids = work.ids.subarray(0, work.time + SPREAD)
  const data = await session.load(ids)
  try {
    const call = (windows: number) => timed(session, { ...work, ids }, data, windows, signal)
    const first = await call(1)
    if (first <= enough) return first
    const clock = performance.now()
    const times = [await call(1)]
    const windows = Math.max(1, Math.min(MOST_WINDOWS, Math.floor(CALL_MS / times[0]!)))
    while (times.length < MOST.calls && performance.now() - clock < MOST.ms) times.push(await call(windows))
    return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
  } finally {
    await session.unload(data).catch(() => {})
  }
}

/** Milliseconds of one window in a call of some. */
async function timed(
  session: Session,
  { lanes, time, ids }: StepWork,
  data: number,
  windows: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const starts = Uint32Array.from({ length: windows * lanes }, (_, i) => i % (ids.length - time))
  const resets = new Uint8Array(windows * lanes).fill(1)
  const clock = performance.now()
  const { aborted } = await session.train(
    { data, lanes, time, starts, resets, learningRates: new Float64Array(windows) },
    signal,
  )
  if (aborted) throw signal?.reason
  return (performance.now() - clock) / windows
}
