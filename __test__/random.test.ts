import test from 'ava'
import fc from 'fast-check'
import { below, childKey, type Key, permutation, streamKey, threefry2x32, uniform } from '../ts/random.ts'

test('Threefry-2x32-20 gives the known answers of Random123', (t) => {
  const known: [counter: Key, key: Key, result: Key][] = [
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ]
  for (const [counter, key, result] of known) t.deepEqual(threefry2x32(key, counter), result)
})

test('both words of a seed and of an index count', (t) => {
  t.notDeepEqual(streamKey(1, 'batches', 0), streamKey(1 + 2 ** 32, 'batches', 0))
  const key = streamKey(1, 'batches', 0)
  t.not(uniform(key, 3), uniform(key, 3 + 2 ** 32))
})

test('a stream is the seed as key over [stream, instance]', (t) => {
  t.deepEqual(streamKey(7 + 5 * 2 ** 32, 'sampling', 9), threefry2x32([7, 5], [4, 9]))
  t.deepEqual(childKey([1, 2], 3), threefry2x32([1, 2], [3, 0xffffffff]))
})

test('uniform puts the top 27 and 26 bits of the two words side by side', (t) => {
  const [w0, w1] = threefry2x32([1, 2], [3, 4])
  const bits = (BigInt(w0 >>> 5) << 26n) | BigInt(w1 >>> 6)
  t.is(uniform([1, 2], 3 + 4 * 2 ** 32), Number(bits) / 2 ** 53)
})

test('uniform numbers are spread evenly', (t) => {
  const key = streamKey(1, 'sampling', 0)
  const counts = new Array(10).fill(0)
  for (let i = 0; i < 20_000; i++) counts[below(key, i, 10)]++
  // Each count is binomial with mean 2000 and deviation 42; the numbers are fixed, so this holds always or never.
  for (const count of counts) t.true(Math.abs(count - 2000) < 200, `${counts}`)
})

test('below stays below', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 1000 }), (i, n) => {
      const drawn = below([5, 6], i, n)
      return Number.isInteger(drawn) && drawn >= 0 && drawn < n
    }),
  )
  t.pass()
})

test('a permutation holds each number once and depends on the key', (t) => {
  for (const n of [0, 1, 2, 100]) {
    t.deepEqual(
      Array.from(permutation([1, 1], n)).sort((a, b) => a - b),
      Array.from({ length: n }, (_, i) => i),
    )
  }
  t.deepEqual(permutation([1, 1], 100), permutation([1, 1], 100))
  t.notDeepEqual(permutation([1, 1], 100), permutation([1, 2], 100))
})

test('every order of three comes about equally often', (t) => {
  const counts = new Map<string, number>()
  for (let epoch = 0; epoch < 6000; epoch++) {
    const order = permutation(streamKey(3, 'batches', epoch), 3).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  t.is(counts.size, 6)
  for (const count of counts.values()) t.true(Math.abs(count - 1000) < 150, `${[...counts]}`)
})
