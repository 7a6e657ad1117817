/** The peers: what of the work list they can run, in which ways that are worth trying, and what they need. */

/** Words for a peer's script that say how a workload is done: idiom and threads. */
export type Way = readonly string[]

export interface PeerProgram {
  /** File in bench/peers; `undefined`: the program is a part of this repository. */
  readonly script: string | undefined
  /** Its Python, in the folder of the peers' environments. */
  readonly python?: string
  /** The packages of a script that Node runs, in the same folder. */
  readonly modules?: string
  /** Makes those, with `$PEERS` for the folder. */
  readonly setUp: readonly string[]
  readonly workloads: readonly string[]
  /** Workloads whose sampling it measures. */
  readonly sampled: readonly string[]
  /** The ways of a workload, or of all sampling: the fastest counts. @param threads as ours has */
  ways(id: string, threads: number): Way[]
  /** Compares what steps take by the wall clock with all that lies between them. */
  readonly byWallClock?: true
}

export type PeerName = 'torch' | 'tf' | 'jax' | 'tfjs' | 'brain' | 'rust'

const ALL = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8', 'W9']
const SAMPLED = ['W2', 'W3']

/** Idioms of PyTorch that came within a third of its fastest; of the others onehot alone did. */
const TORCH_IDIOMS: Readonly<Record<string, readonly string[]>> = {
  W1: ['onehot', 'manual', 'embed'],
  W5: ['onehot', 'manual'],
  W7: ['onehot', 'manual'],
  sample: ['onehot', 'onehot+nomkldnn'],
}

export const PEER_PROGRAMS: Readonly<Record<PeerName, PeerProgram>> = {
  torch: {
    script: 'torch_bench.py',
    python: 'venv/bin/python',
    setUp: ['python3 -m venv $PEERS/venv', '$PEERS/venv/bin/pip install torch numpy'],
    workloads: ALL,
    sampled: SAMPLED,
    ways: (id, threads) => pythonWays(TORCH_IDIOMS[id] ?? ['onehot'], threads),
  },
  tf: {
    script: 'tf_bench.py',
    python: 'venv-tf/bin/python',
    setUp: ['python3 -m venv $PEERS/venv-tf', '$PEERS/venv-tf/bin/pip install tensorflow-cpu'],
    workloads: ALL,
    sampled: SAMPLED,
    ways: (_, threads) => pythonWays(['onehot', 'onehot+jit'], threads),
  },
  jax: {
    script: 'jax_bench.py',
    python: 'venv-jax/bin/python',
    setUp: ['python3 -m venv $PEERS/venv-jax', '$PEERS/venv-jax/bin/pip install jax flax optax equinox'],
    workloads: ALL,
    sampled: SAMPLED,
    ways: (_, threads) => pythonWays(['gather', 'onehot'], threads),
  },
  tfjs: {
    script: 'tfjs_bench.mjs',
    modules: 'js',
    setUp: [
      'mkdir -p $PEERS/js && cd $PEERS/js && npm init -y',
      'npm i @tensorflow/tfjs @tensorflow/tfjs-backend-wasm',
    ],
    workloads: ['W2', 'W3', 'W6'],
    sampled: SAMPLED,
    ways: () => ['layers', 'cell'].map((idiom) => ['--backends', 'wasm', '--idioms', idiom]),
  },
  brain: {
    script: 'brain_bench.mjs',
    modules: 'brain',
    setUp: [
      'mkdir -p $PEERS/brain && cd $PEERS/brain && npm init -y',
      'npm i --ignore-scripts brain.js@2.0.0-beta.24 brain1@npm:brain.js@1.6.1',
    ],
    workloads: ['W2'],
    sampled: ['W2'],
    ways: () => ['brain.js', 'brain1'].map((name) => ['--package', name]),
  },
  rust: {
    script: undefined,
    setUp: [],
    workloads: ['W4'],
    sampled: [],
    ways: (_, threads) => [['--threads', String(threads)]],
    byWallClock: true,
  },
}

/** Each idiom on as many threads as ours, and on one. */
function pythonWays(idioms: readonly string[], threads: number): Way[] {
  return idioms.flatMap((idiom) =>
    [...new Set([threads, 1])].map((count) => ['--threads', String(count), '--variants', idiom]),
  )
}
