/** `npm test` counts what the test programs print; a count that misses failures would hide them. */
import test from 'ava'
// @ts-expect-error plain JavaScript, which runs before anything is installed
import { countTests, skipReasons } from '../scripts/count-tests.mjs'

test('the results of all test programs of cargo are added up', (t) => {
  const output = [
    'running 3 tests',
    'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s',
    '\u001b[31mtest result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out\u001b[0m',
  ].join('\n')
  t.deepEqual(countTests.cargo(output), { passed: 7, failed: 2, ignored: 1 })
})

test('a test of cargo that found no GPU counts as ignored, and says why once', (t) => {
  const output = [
    'test lstm ... skipped: no GPU adapter (no driver)',
    'ok',
    'skipped: no GPU adapter (no driver)',
    'test gru ... ok',
    'test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out',
  ].join('\n')
  t.deepEqual(countTests.cargo(output), { passed: 3, failed: 0, ignored: 3 })
  t.deepEqual(skipReasons(output), ['no GPU adapter (no driver)'])
  t.deepEqual(skipReasons('2 tests skipped'), [])
})

test("AVA's closing lines are read, crashes counted as failures", (t) => {
  const output = '  ✔ one\n  ─\n\n  1 test failed\n  12 tests passed\n  2 tests skipped\n  1 uncaught exception\n'
  t.deepEqual(countTests.ava(output), { passed: 12, failed: 2, ignored: 2 })
})

test('the tally of the reference cases counts what was skipped apart', (t) => {
  const output = 'device: CPU\nclip_a: too large\n207 passed, 1 failed\ncpu: 207 passed, 1 failed, 0 skipped\n'
  t.deepEqual(countTests.reference(output), { passed: 207, failed: 1, ignored: 0 })
  t.deepEqual(countTests.reference('gpu: 0 passed, 0 failed, 208 skipped\n'), { passed: 0, failed: 0, ignored: 208 })
})

test('output without any result counts as nothing', (t) => {
  for (const count of Object.values<(output: string) => unknown>(countTests)) {
    t.deepEqual(count('error: could not compile'), { passed: 0, failed: 0, ignored: 0 })
  }
})
