import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { UNITS } from '../ts/corpus/segment.ts'
import { Vocabulary } from '../ts/corpus/vocabulary.ts'
import { type VocabularyTensors, vocabularyFromTensors, vocabularyToTensors } from '../ts/corpus/vocabulary-tensors.ts'
import { type ErrorCode, RnnKitError } from '../ts/errors.ts'

function refuses(t: ExecutionContext, run: () => unknown, code: ErrorCode, field: string): RnnKitError {
  const error = t.throws(run, { instanceOf: RnnKitError })
  t.is(error.code, code)
  t.is(error.field, field)
  return error
}

const PIECES = [
  'a',
  ' ',
  '\r\n',
  'é',
  'e\u0301',
  '\u0301',
  '\u200d',
  '👩',
  '👩‍👩‍👧',
  '🏽',
  '🇩🇪',
  '한',
  'क्षि',
  '\uffff',
  '\u{10000}',
]
const someText = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join(''))

test('symbols are in the order of code points, not of UTF-16', (t) => {
  t.deepEqual(Vocabulary.build('b\u{10000}a\uffff\u{10001}').symbols, ['a', 'b', '\uffff', '\u{10000}', '\u{10001}'])
  t.deepEqual(Vocabulary.build('b ab a', { unit: 'word' }).symbols, [' ', 'a', 'ab', 'b'])
  t.deepEqual(Vocabulary.build('éa', { unit: 'byte' }).symbols, ['a', '\xa9', '\xc3'])
})

test('decoding what was encoded gives the text back, in every unit', (t) => {
  fc.assert(
    fc.property(someText, (text) => {
      for (const unit of UNITS) {
        const vocabulary = Vocabulary.build(text, { unit })
        const ids = vocabulary.encode(text)
        t.true(ids instanceof Uint32Array)
        t.true(ids.every((id) => id < vocabulary.size))
        t.is(vocabulary.decode(ids), text)
      }
    }),
  )
})

test('counts, the most frequent symbol and its ties', (t) => {
  const vocabulary = Vocabulary.build('cabba😀')
  t.deepEqual([...vocabulary.counts], [2, 2, 1, 1])
  t.is(vocabulary.idOf('a'), 0)
  t.is(vocabulary.mostFrequent, 0)
  t.is(vocabulary.idOf('z'), undefined)
  t.is(vocabulary.size, 4)
})

test('one distinct symbol is a vocabulary', (t) => {
  const vocabulary = Vocabulary.build('aaa')
  t.deepEqual([vocabulary.size, ...vocabulary.encode('aa')], [1, 0, 0])
})

test('an unknown symbol is an error that names it and where it is', (t) => {
  const error = refuses(t, () => Vocabulary.build('ab').encode('ab😀a', 'prefix'), 'ERR_UNKNOWN_SYMBOL', 'prefix')
  t.is(error.value, '😀')
  t.is(error.position, 2)
  t.true(error.message.includes('"😀" at symbol 2') && error.message.includes("'skip'"), error.message)
  const byte = refuses(t, () => Vocabulary.build('ab', { unit: 'byte' }).encode('aé'), 'ERR_UNKNOWN_SYMBOL', 'text')
  t.true(byte.message.includes('byte 0xc3'), byte.message)
})

test('skipped symbols are left out', (t) => {
  const vocabulary = Vocabulary.build('aab', { unknown: 'skip', minCount: 2 })
  t.deepEqual([vocabulary.symbols, [...vocabulary.encode('bab😀a')]], [['a'], [0, 0]])
})

test('the unknown symbol is the last, stands for all rare ones and shows as U+FFFD', (t) => {
  const vocabulary = Vocabulary.build('aabbcd', { unknown: 'symbol', minCount: 2 })
  t.deepEqual(vocabulary.symbols, ['a', 'b', '\ufffd'])
  t.is(vocabulary.unknownId, 2)
  t.deepEqual([...vocabulary.encode('acxb')], [0, 2, 2, 1])
  t.is(vocabulary.decode([0, 2, 1]), 'a\ufffdb')
  t.deepEqual([...vocabulary.counts], [2, 2, 2])
  t.is(vocabulary.mostFrequent, 0)
  const bytes = Vocabulary.build('ab', { unknown: 'symbol', unit: 'byte' })
  t.is(bytes.decode(bytes.encode('aéb')), 'a\ufffd\ufffdb')
})

test('a U+FFFD of the text itself is not the unknown symbol', (t) => {
  const vocabulary = Vocabulary.build('a\ufffd', { unknown: 'symbol' })
  t.deepEqual([...vocabulary.encode('\ufffdx')], [1, 2])
})

test('bad options and texts are refused', (t) => {
  refuses(t, () => Vocabulary.build(''), 'ERR_CORPUS_EMPTY', 'corpus')
  refuses(t, () => Vocabulary.build('a\udc00'), 'ERR_LONE_SURROGATE', 'corpus')
  refuses(t, () => Vocabulary.build('a', { minCount: 2 }), 'ERR_INVALID_OPTION', 'vocabulary.unknown')
  refuses(t, () => Vocabulary.build('a', { minCount: 2, unknown: 'skip' }), 'ERR_VOCABULARY', 'vocabulary')
  refuses(t, () => Vocabulary.build('a', { minCount: 0 }), 'ERR_INVALID_OPTION', 'vocabulary.minCount')
  refuses(t, () => Vocabulary.build('a', { unit: 'chars' as 'char' }), 'ERR_INVALID_OPTION', 'vocabulary.unit')
  refuses(t, () => Vocabulary.build('a', { mincount: 2 } as object), 'ERR_UNKNOWN_OPTION', 'vocabulary.mincount')
  for (const unit of UNITS) {
    refuses(t, () => Vocabulary.build('a', { unit }).encode('a\ud800', 'prefix'), 'ERR_LONE_SURROGATE', 'prefix')
  }
})

test('more than 65,536 symbols are refused, and exactly so many are not', (t) => {
  const chars = Array.from({ length: 65_536 }, (_, i) => String.fromCodePoint(0x10000 + i)).join('')
  t.is(Vocabulary.build(chars).size, 65_536)
  refuses(t, () => Vocabulary.build(`${chars}a`), 'ERR_VOCABULARY', 'vocabulary')
  refuses(t, () => Vocabulary.build(chars, { unknown: 'symbol' }), 'ERR_VOCABULARY', 'vocabulary')
})

test('an id outside the vocabulary is refused', (t) => {
  for (const unit of ['char', 'byte'] as const) {
    const vocabulary = Vocabulary.build('ab', { unit })
    for (const bad of [2, -1, 0.5, Number.NaN]) {
      refuses(t, () => vocabulary.decode([0, bad]), 'ERR_INVALID_OPTION', 'ids[1]')
    }
  }
})

test('pieces streamed are whole graphemes and join to the decoding of all', (t) => {
  const whole = new Intl.Segmenter('und')
  const starts = (text: string) => new Set(Array.from(whole.segment(text), ({ index }) => index)).add(text.length)
  fc.assert(
    fc.property(someText, fc.array(fc.nat({ max: 3 })), (text, sizes) => {
      for (const unit of UNITS) {
        const vocabulary = Vocabulary.build(text, { unit })
        const ids = vocabulary.encode(text)
        const decoder = vocabulary.decoder()
        const places = starts(text)
        let streamed = ''
        for (let at = 0, i = 0; at < ids.length; i++) {
          const end = at + (sizes[i] ?? 1)
          streamed += decoder.push(ids.subarray(at, end))
          t.true(places.has(streamed.length), JSON.stringify([unit, text, streamed]))
          at = end
        }
        t.is(streamed + decoder.end(), text)
      }
    }),
  )
})

test('random bytes stream to what they decode to at once, without a last character cut short', (t) => {
  const vocabulary = Vocabulary.build('aé😀한', { unit: 'byte', unknown: 'symbol' })
  fc.assert(
    fc.property(fc.array(fc.nat({ max: vocabulary.size - 1 }), { maxLength: 30 }), (ids) => {
      const decoder = vocabulary.decoder()
      let streamed = ''
      for (const id of ids) streamed += decoder.push([id])
      const bytes = ids.flatMap((id) =>
        id === vocabulary.unknownId ? [0xef, 0xbf, 0xbd] : [vocabulary.symbols[id]!.charCodeAt(0)],
      )
      const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes), { stream: true })
      t.is(streamed + decoder.end(), whole)
    }),
    { numRuns: 1000 },
  )
})

test('a decoder holds back one cluster only, and not for ever', (t) => {
  const vocabulary = Vocabulary.build('ab\u0301')
  const decoder = vocabulary.decoder()
  t.deepEqual([decoder.push([0]), decoder.push([1]), decoder.push([2]), decoder.push([0])], ['', 'a', '', 'b\u0301'])
  let written = ''
  for (let i = 0; i < 1000; i++) written += decoder.push([2])
  t.true(written.length > 700)
  decoder.end()
  t.is(decoder.push([1, 0]) + decoder.end(), 'ba')
})

test('1.2 million characters are counted and encoded in well under 200 ms', (t) => {
  const text = 'Call me Ishmael. Some years ago—never mind how long '.repeat(24_000)
  Vocabulary.build(text).encode(text)
  const started = performance.now()
  const vocabulary = Vocabulary.build(text)
  const ids = vocabulary.encode(text)
  t.true(performance.now() - started < 200)
  t.is(ids.length, text.length)
})

test('tensors bring a vocabulary back, in every unit and with an unknown symbol', (t) => {
  fc.assert(
    fc.property(someText, fc.constantFrom('error', 'symbol' as const), (text, unknown) => {
      for (const unit of UNITS) {
        const vocabulary = Vocabulary.build(text, { unit, unknown })
        const tensors = vocabularyToTensors(vocabulary)
        t.is(tensors.offsets.length, vocabulary.size + 1)
        const again = vocabularyFromTensors(tensors, { unit, unknown })
        t.deepEqual(again.symbols, vocabulary.symbols)
        t.deepEqual(again.counts, vocabulary.counts)
        t.deepEqual(again.encode(text), vocabulary.encode(text))
        t.is(again.mostFrequent, vocabulary.mostFrequent)
      }
    }),
  )
})

test('a vocabulary without counts takes the first symbol for the most frequent', (t) => {
  const { text, offsets } = vocabularyToTensors(Vocabulary.build('abb'))
  t.is(vocabularyFromTensors({ text, offsets }, { unit: 'char', unknown: 'error' }).mostFrequent, 0)
})

test('broken tensors are refused', (t) => {
  const bytes = (text: string | number[]) =>
    typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text)
  const broken: [
    why: string,
    text: string | number[],
    offsets: number[],
    unit?: 'char' | 'grapheme' | 'byte' | 'word',
  ][] = [
    ['no entries', '', [0]],
    ['no offsets', '', []],
    ['not from 0', 'ab', [1, 2]],
    ['not to the end', 'ab', [0, 1]],
    ['past the end', 'ab', [0, 1, 3]],
    ['empty entry', 'ab', [0, 1, 1, 2]],
    ['descending', 'abc', [0, 2, 1, 3]],
    ['twice the same', 'aba', [0, 1, 2, 3]],
    ['two symbols in one', 'abc', [0, 2, 3]],
    ['two ASCII graphemes', 'abc', [0, 2, 3], 'grapheme'],
    ['two words', 'a b', [0, 3], 'word'],
    ['two bytes', 'ab', [0, 2], 'byte'],
    ['invalid UTF-8', [0xc3, 0x41], [0, 1, 2]],
    ['half a sequence each', 'é', [0, 1, 2]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80], [0, 3]],
  ]
  for (const [why, text, offsets, unit = 'char'] of broken) {
    const tensors = { text: bytes(text), offsets: Uint32Array.from(offsets) }
    const error = t.throws(
      () => vocabularyFromTensors(tensors, { unit, unknown: 'error' }),
      { instanceOf: RnnKitError },
      why,
    )
    t.is(error.code, 'ERR_CHECKPOINT_VOCABULARY', why)
  }
})

test('the unknown entry must be there and empty, and counts must fit', (t) => {
  const load =
    (text: string, offsets: number[], extra: Partial<VocabularyTensors> = {}) =>
    () =>
      vocabularyFromTensors(
        { text: new TextEncoder().encode(text), offsets: Uint32Array.from(offsets), ...extra },
        { unit: 'char', unknown: 'symbol' },
      )
  t.deepEqual(load('a', [0, 1, 1])().symbols, ['a', '\ufffd'])
  refuses(t, load('ab', [0, 1, 2]), 'ERR_CHECKPOINT_VOCABULARY', 'vocabulary.offsets')
  refuses(t, load('', [0, 0]), 'ERR_CHECKPOINT_VOCABULARY', 'vocabulary.offsets')
  refuses(t, load('a', [0, 1, 1], { counts: new Uint32Array(3) }), 'ERR_CHECKPOINT_VOCABULARY', 'vocabulary.counts')
})

test('a vocabulary made under another version of Unicode can still be loaded', (t) => {
  const text = new TextEncoder().encode('語詩')
  const offsets = Uint32Array.from([0, text.length])
  t.deepEqual(vocabularyFromTensors({ text, offsets }, { unit: 'grapheme', unknown: 'error' }).symbols, ['語詩'])
})
