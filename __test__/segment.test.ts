import test from 'ava'
import fc from 'fast-check'
import { segment, takeSymbols, UNITS } from '../ts/corpus/segment.ts'
import { atOnce } from '../ts/slices.ts'

/** Text full of what makes clusters: marks, joiners, flags, Hangul, Indic conjuncts, line ends. */
const PIECES = [
  'a',
  ' ',
  '\r',
  '\n',
  'é',
  'e\u0301',
  '\u0301',
  '\u200d',
  '👩',
  '👩‍👩‍👧',
  '🏽',
  '🇩',
  '🇪',
  '한',
  'ᄒ',
  'ᅡ',
  '중',
  'क',
  '्',
  '\u0600',
  '\ufeff',
  '9',
  '_',
]
const clusterText = fc.array(fc.constantFrom(...PIECES), { maxLength: 200 }).map((pieces) => pieces.join(''))
const anyText = fc.oneof(clusterText, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))

test('symbols joined are the text, in every unit', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const unit of ['char', 'grapheme', 'word'] as const) t.is([...segment(text, unit)].join(''), text)
      t.is(Buffer.from([...segment(text, 'byte')].join(''), 'latin1').toString(), text)
    }),
  )
})

test('graphemes are those of Intl.Segmenter over the whole text', (t) => {
  const whole = new Intl.Segmenter('und')
  fc.assert(
    fc.property(anyText, (text) => {
      t.deepEqual(
        [...segment(text, 'grapheme')],
        Array.from(whole.segment(text), ({ segment }) => segment),
      )
    }),
  )
})

test('a cluster longer than a slice stays whole', (t) => {
  const long = `e${'\u0301'.repeat(1000)}`
  t.deepEqual([...segment(`ab${long}c`, 'grapheme')], ['a', 'b', long, 'c'])
})

test('a word is a run of letters, digits and marks; all else is one code point', (t) => {
  t.deepEqual(
    [...segment("Don't  stop,\r\nno_3 naïve नमस्ते 👍🏽!", 'word')],
    [
      'Don',
      "'",
      't',
      ' ',
      ' ',
      'stop',
      ',',
      '\r',
      '\n',
      'no',
      '_',
      '3',
      ' ',
      'naïve',
      ' ',
      'नमस्ते',
      ' ',
      '👍',
      '🏽',
      '!',
    ],
  )
})

test('a char is one code point, also beyond the BMP', (t) => {
  t.deepEqual([...segment('a😀e\u0301', 'char')], ['a', '😀', 'e', '\u0301'])
})

test('taking symbols takes the first ones, never half a code point', (t) => {
  t.is(atOnce(takeSymbols('a😀b', 'char', 2)), 'a😀')
  t.is(atOnce(takeSymbols('e\u0301x', 'grapheme', 1)), 'e\u0301')
  t.is(atOnce(takeSymbols('one two', 'word', 2)), 'one ')
  t.is(atOnce(takeSymbols('aé😀', 'byte', 3)), 'aé')
  t.is(atOnce(takeSymbols('aé😀', 'byte', 6)), 'aé')
  t.is(atOnce(takeSymbols('aé😀', 'byte', 7)), 'aé😀')
  for (const unit of UNITS) t.is(atOnce(takeSymbols('abc', unit, 2 ** 40)), 'abc')
})

test('the time for graphemes grows with the text, not with its square', (t) => {
  const ascii = 'It was the best of times, '.repeat(20_000)
  const han = '詩言志。'.repeat(50_000)
  const started = performance.now()
  let count = 0
  for (const text of [ascii, han]) for (const _ of segment(text, 'grapheme')) count++
  t.is(count, 520_000 + 200_000)
  t.true(performance.now() - started < 3000)
})
