import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { normaliseText, readCorpus } from '../ts/corpus/read-corpus.ts'
import { Vocabulary } from '../ts/corpus/vocabulary.ts'
import { trainCharModel } from '../ts/index.ts'
import { corpusOptions } from '../ts/options/corpus.ts'
import { inSlices, SLICE } from '../ts/slices.ts'
import { longestWait } from './fixtures/longest-wait.ts'
import { rejectsWith, TINY } from './fixtures/tiny-char-model.ts'

const SENTENCE = 'Call me Ishmael. Some years ago—never mind how long precisely—\r\nhaving little or no money…\n'
const LARGE = SENTENCE.repeat(Math.ceil(5e6 / SENTENCE.length))

for (const unit of ['char', 'byte', 'word', 'grapheme'] as const) {
  test.serial(`the event loop stays free while a large text is read in unit ${unit}`, async (t) => {
    // Graphemes take the longest: a part of the text is as good.
    const text = unit === 'grapheme' ? LARGE.slice(0, 500_000) : LARGE
    const waits: number[] = []
    // The best of three: other processes take their time as well.
    for (let i = 0; i < 3 && Math.min(...waits) > 50; i++) {
      waits.push(
        await longestWait(async () => {
          const options = corpusOptions('corpus', { text, lowercase: true, newlines: 'space', maxSymbols: 4e6 })
          const read = await readCorpus(options, unit)
          const vocabulary = await inSlices(Vocabulary.building(read, { unit }))
          t.true((await inSlices(vocabulary.encoding(read))).length > 400_000)
        }),
      )
    }
    t.true(Math.min(...waits) < 50, `${waits} ms`)
  })
}

test.serial('an abort while a large text is prepared rejects soon', async (t) => {
  const options = { ...TINY, corpus: { text: LARGE }, vocabulary: { unit: 'grapheme' }, steps: 1 } as const
  const waits: number[] = []
  for (let i = 0; i < 3 && Math.min(...waits) > 50; i++) {
    const stopping = new AbortController()
    const promise = rejectsWith(t, trainCharModel({ ...options, signal: stopping.signal }), 'ERR_ABORTED')
    await sleep(50)
    const raised = performance.now()
    stopping.abort('enough')
    t.is((await promise).cause, 'enough')
    waits.push(performance.now() - raised)
  }
  t.true(Math.min(...waits) < 50, `${waits} ms`)
})

test.serial('an abort while a large text is scored rejects soon', async (t) => {
  using model = await trainCharModel({ ...TINY, vocabulary: { unit: 'grapheme', unknown: 'skip' }, steps: 1 })
  const stopping = new AbortController()
  const promise = rejectsWith(t, model.evaluate({ text: LARGE, signal: stopping.signal }), 'ERR_ABORTED')
  await sleep(50)
  const raised = performance.now()
  stopping.abort('enough')
  t.is((await promise).cause, 'enough')
  t.true(performance.now() - raised < 500)
})

test('slices join to what the whole text gives, wherever they are cut', (t) => {
  const piece = fc.constantFrom('a', ' ', '\r', '\n', '\r\n', 'Σ', "ΑΣ'", '😀', 'İ', '.', 'ß')
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.nat({ max: 8 }), (pieces, shift) => {
      // The pieces lie across the end of the first slice.
      const text = 'x'.repeat(SLICE - shift) + pieces.join('')
      const normal = normaliseText(text, { field: '', lowercase: true, newlines: 'space', normalize: undefined })
      t.true(normal === text.replace(/\r\n?|\n/g, ' ').toLowerCase(), JSON.stringify(pieces))
      for (const unit of ['char', 'byte', 'word'] as const) {
        const vocabulary = Vocabulary.build(text, { unit })
        t.true(vocabulary.decode(vocabulary.encode(text)) === text, unit)
        t.is(
          vocabulary.counts.reduce((sum, count) => sum + count, 0),
          vocabulary.encode(text).length,
        )
      }
    }),
    { numRuns: 30 },
  )
})
