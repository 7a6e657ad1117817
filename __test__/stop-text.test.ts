import test from 'ava'
import fc from 'fast-check'
import { StopText } from '../ts/sampling/stop-text.ts'

/** What passes when `text` comes cut into such pieces. */
function passed(text: string, stops: string[], sizes: number[]): string {
  const stop = new StopText(stops)
  let [out, at] = ['', 0]
  for (const size of [...sizes, text.length]) {
    out += stop.push(text.slice(at, at + size))
    at += size
  }
  return out + stop.end()
}

test('text passes up to the stop text that is complete first, and nothing after it', (t) => {
  t.is(passed('one two three', ['two'], [5, 1]), 'one ')
  t.is(passed('abcabd', ['abd', 'x'], [1, 1, 1, 1]), 'abc')
  t.is(passed('abcde', ['cde', 'bc'], []), 'a')
  t.is(passed('abc', ['c', 'bc'], []), 'a', 'of two that end together the longer one counts')
  t.is(passed('abc', ['abcd'], [2]), 'abc', 'a beginning alone passes at the end')
  t.is(passed('', ['a'], []), '')
})

test('without stop texts everything passes at once', (t) => {
  const stop = new StopText([])
  t.is(stop.push('abc'), 'abc')
  t.false(stop.stopped)
})

test('no piece ever holds a part of a stop text', (t) => {
  const stop = new StopText(['\n\n'])
  t.is(stop.push('a\n'), 'a')
  t.is(stop.push('b\n'), '\nb')
  t.is(stop.push('\n'), '')
  t.true(stop.stopped)
  t.is(stop.push('c') + stop.end(), '')
})

test('where the pieces are cut does not matter', (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 })
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  })
  fc.assert(
    fc.property(letters, stops, fc.array(fc.nat(3)), (text, stops, sizes) => {
      t.is(passed(text, stops, sizes), passed(text, stops, []))
    }),
  )
  t.pass()
})
