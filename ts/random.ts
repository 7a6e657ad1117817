/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). A number depends on its key and index alone, so a resumed run draws what an unbroken one would.
 */

/** Two 32-bit words. */
export type Key = readonly [number, number]

/** What a stream of random numbers is for; each use has numbers of its own. */
export const STREAMS = { init: 1, dropout: 2, batches: 3, sampling: 4, gradientCheck: 5 } as const
export type StreamName = keyof typeof STREAMS

const TWO_POW_32 = 2 ** 32
const PARITY = 0x1bd11bda
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const

/** One block of the cipher: 64 bits of counter under 64 bits of key. All arguments and results are u32. */
export function threefry2x32(key: Key, counter: Key): Key {
  const [k0, k1] = key
  const schedule = [k0, k1, (k0 ^ k1 ^ PARITY) >>> 0] as const
  let x0 = (counter[0] + k0) >>> 0
  let x1 = (counter[1] + k1) >>> 0
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!
    x0 = (x0 + x1) >>> 0
    x1 = (((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0) >>> 0
    if (round % 4 === 3) {
      const group = (round + 1) / 4
      x0 = (x0 + schedule[group % 3]!) >>> 0
      x1 = (x1 + schedule[(group + 1) % 3]! + group) >>> 0
    }
  }
  return [x0, x1]
}

/** The low and the high word of an integer in [0, 2^53). */
function words(integer: number): Key {
  return [integer >>> 0, Math.floor(integer / TWO_POW_32)]
}

/**
 * The key of one stream.
 * @param seed integer in [0, 2^53)
 * @param instance u32: the tensor's index (init), the step (dropout), the epoch (batches), 0 (sampling)
 */
export function streamKey(seed: number, stream: StreamName, instance: number): Key {
  return threefry2x32(words(seed), [STREAMS[stream], instance >>> 0])
}

/** The `i`-th (u32) key under `key`, for numbers that must not depend on how many others are drawn. */
export function childKey(key: Key, i: number): Key {
  return threefry2x32(key, [i >>> 0, 0xffffffff])
}

/** The `i`-th number of a key, uniform in [0, 1), with 53 random bits; `i` is an integer in [0, 2^53). */
export function uniform(key: Key, i: number): number {
  const [w0, w1] = threefry2x32(key, words(i))
  return ((w0 >>> 5) * 2 ** 26 + (w1 >>> 6)) / 2 ** 53
}

/** The `i`-th number of a key as an integer in [0, n). */
export function below(key: Key, i: number, n: number): number {
  return Math.floor(uniform(key, i) * n)
}

/**
 * 0 … n-1 in random order: Fisher and Yates from the back. Draw `d` (from 0) chooses which of the first `n - d` goes to
 * place `n - 1 - d`.
 */
export function permutation(key: Key, n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let last = n - 1; last > 0; last--) {
    const chosen = below(key, n - 1 - last, last + 1)
    const held = order[last]!
    order[last] = order[chosen]!
    order[chosen] = held
  }
  return order
}
