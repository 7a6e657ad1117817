/** How long a step of a training takes, found out by doing some on the session that is to do the work. */
import { type Sequence, type Session, type Setup, textSequence } from '../native/engine-session.ts'

export interface StepWork {
  readonly setup: Setup
  /** N. */
  readonly lanes: number
  /** T. */
  readonly time: number
  readonly probe: Probe
}

/** A part of the data, and where windows start in it. */
export interface Probe {
  readonly sequence: Sequence
  /** At least one. */
  readonly starts: Uint32Array
  /** [starts] `undefined` = T of all. */
  readonly lengths: Uint32Array | undefined
}

/** Symbols in which the windows' starts lie. */
const SPREAD = 4096

/** The beginning of a text of more than `time` symbols. */
export function textProbe(ids: Uint32Array, time: number): Probe {
  const part = ids.subarray(0, time + SPREAD)
  const starts = Uint32Array.from({ length: part.length - time }, (_, i) => i)
  return { sequence: textSequence(part), starts, lengths: undefined }
}

/** How much is done to find out. */
export interface Effort {
  /** Calls that are timed, at most. */
  readonly calls: number
  /** Windows in each but the first, at most. */
  readonly windows: number
}

/** Milliseconds after which no other call is begun. */
const MOST_MS = 1000
/** Milliseconds of a call, as in a training: a GPU's wait for its results counts once a call. */
const CALL_MS = 50

/**
 * Milliseconds of a step, in the shortest of a few calls, for what else the machine does only makes them longer. Before them comes one
 * that does not count, in which weights are packed and shaders compiled. At a learning rate of 0; the session is as before but for its
 * training, which has to be configured anew.
 *
 * @throws the signal's reason, and whatever the engine throws
 */
export async function stepTime(
  session: Session,
  work: StepWork,
  effort: Effort,
  signal: AbortSignal | undefined,
): Promise<number> {
  await session.configure(work.setup)
  const data = await session.load(work.probe.sequence)
  try {
    const call = (windows: number) => timed(session, work, data, windows, signal)
    await call(1)
    const clock = performance.now()
    let shortest = await call(1)
    const windows = Math.max(1, Math.min(effort.windows, Math.floor(CALL_MS / shortest)))
    for (let calls = 1; calls < effort.calls && performance.now() - clock < MOST_MS; calls++) {
      shortest = Math.min(shortest, await call(windows))
    }
    return shortest
  } finally {
    await session.unload(data).catch(() => {})
  }
}

/** Milliseconds of one window in a call of some. */
async function timed(
  session: Session,
  { lanes, time, probe }: StepWork,
  data: number,
  windows: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const dealt = (values: Uint32Array) =>
    Uint32Array.from({ length: windows * lanes }, (_, i) => values[i % values.length]!)
  const starts = dealt(probe.starts)
  const lengths = probe.lengths && dealt(probe.lengths)
  const resets = new Uint8Array(windows * lanes).fill(1)
  const clock = performance.now()
  const { aborted } = await session.train(
    { data, lanes, time, starts, resets, lengths, learningRates: new Float64Array(windows) },
    signal,
  )
  if (aborted) throw signal?.reason
  return (performance.now() - clock) / windows
}
