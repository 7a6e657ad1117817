/** The reference cases as a test: what counts as passed must not hide a failure. */
import test from 'ava'
// @ts-expect-error plain JavaScript, which runs before anything is installed
import { judge, readDoor } from '../scripts/reference-tally.mjs'

const NAMES = ['cell_a', 'cell_b', 'loss_a', 'tf_a']

test('the failing cases are those the door names, if its tally agrees', (t) => {
  const lines = [
    'device: CPU',
    'tf_a: unsupported',
    '\u001b[31mcell_b: got 1, want 2\u001b[0m',
    'cell_b: got 3, want 4',
  ]
  t.deepEqual(readDoor([...lines, '2 passed, 2 failed'].join('\n'), NAMES), {
    failing: new Set(['tf_a', 'cell_b']),
    plain: 2,
  })
  t.is(readDoor([...lines, '3 passed, 1 failed'].join('\n'), NAMES), undefined)
  t.is(readDoor(lines.join('\n'), NAMES), undefined)
})

test('with a wider tolerance the door tells how many cases hold the plain one', (t) => {
  const output = 'tf_a: unsupported\n1 at the plain tolerance, 2 only at 10 times it\n3 passed, 1 failed\n'
  t.is(readDoor(output, NAMES)?.plain, 1)
})

test('every case must pass', (t) => {
  t.deepEqual(judge(NAMES, { failing: new Set(), plain: 4 }), { passed: 4, failed: 0, problems: [] })
  t.deepEqual(judge(NAMES, { failing: new Set(['cell_b']), plain: 3 }), { passed: 3, failed: 1, problems: ['cell_b'] })
})

test('most cases must hold the plain tolerance', (t) => {
  const failing = new Set<string>()
  t.is(judge(NAMES, { failing, plain: 3 }).failed, 0)
  t.deepEqual(judge(NAMES, { failing, plain: 2 }).problems, ['only 2 of 4 cases hold the plain tolerance'])
})
