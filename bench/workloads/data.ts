/** Data to train on, made in next to no time: only speed is measured, so that they may be random. */

/** All in one block of ideographs. */
const FIRST_SYMBOL = 0x4e00

/** A text of `length` symbols that has each of `vocabulary` distinct ones. */
export function randomText(vocabulary: number, length: number): string {
  const codes = new Uint16Array(length)
  const next = random()
  for (let i = 0; i < length; i++) codes[i] = FIRST_SYMBOL + (i < vocabulary ? i : Math.floor(next() * vocabulary))
  return new TextDecoder('utf-16le').decode(codes)
}

/** A sine with noise, `length` steps long. */
export function noisySine(length: number): Float32Array {
  const next = random()
  return Float32Array.from({ length }, (_, i) => Math.sin(0.3 * i) + 0.1 * next())
}

/** Numbers of [0, 1), the same ones each time. */
function random(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
