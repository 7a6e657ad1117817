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
  encipher(key, counter[0], counter[1])
  return [block[0]!, block[1]!]
}

/** The block made last. A list for each, as numbers above 2^31 make it, would be most of the work of drawing many. */
const block = new Uint32Array(2)

/** Makes `block`, in signed 32 bits, in which engines compute fastest. */
function encipher(key: Key, counter0: number, counter1: number): void {
  const k0 = key[0] | 0
  const k1 = key[1] | 0
  const k2 = k0 ^ k1 ^ PARITY
  let x0 = (counter0 + k0) | 0
  let x1 = (counter1 + k1) | 0
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!
    x0 = (x0 + x1) | 0
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0
    if (round % 4 === 3) {
      const group = (round + 1) / 4
      const turn = group % 3
      x0 = (x0 + (turn === 0 ? k0 : turn === 1 ? k1 : k2)) | 0
      x1 = (x1 + (turn === 0 ? k1 : turn === 1 ? k2 : k0) + group) | 0
    }
  }
  block[0] = x0
  block[1] = x1
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
  encipher(key, i >>> 0, Math.floor(i / TWO_POW_32))
  return ((block[0]! >>> 5) * 2 ** 26 + (block[1]! >>> 6)) / 2 ** 53
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
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  for (let last = n - 1; last > 0; last--) {
    const chosen = below(key, n - 1 - last, last + 1)
    const held = order[last]!
    order[last] = order[chosen]!
    order[chosen] = held
  }
  return order
}
