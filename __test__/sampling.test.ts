import test from 'ava'
import { type CharModel, type SamplingOptions, trainCharModel } from '../ts/index.ts'
import { rejectsWith, TEXT, TINY } from './fixtures/tiny-char-model.ts'

const trained = trainCharModel({ ...TINY, epochs: 2 })

async function streamed(model: CharModel, options: SamplingOptions): Promise<string[]> {
  const pieces: string[] = []
  for await (const piece of model.stream(options)) pieces.push(piece)
  return pieces
}

test('the same seed gives the same text, another seed another', async (t) => {
  const model = await trained
  const text = await model.sample({ length: 80, seed: 5 })
  t.is(text.length, 80)
  t.is(await model.sample({ length: 80, seed: 5 }), text)
  t.not(await model.sample({ length: 80, seed: 6 }), text)
  t.not(await model.sample({ length: 80 }), await model.sample({ length: 80 }))
})

test('a stream is the sample of the same seed in pieces', async (t) => {
  const model = await trained
  for (const options of [
    { length: 300, seed: 1 },
    { length: 300, seed: 2, stop: ['ox', 'q'] },
    { length: 70, seed: 3, temperature: 0.3, topK: 3 },
    { length: 30, seed: 4, context: 'window' },
  ] as const) {
    const pieces = await streamed(model, options)
    t.is(pieces.join(''), await model.sample(options))
    t.true(pieces.every((piece) => piece !== ''))
  }
  t.true((await streamed(model, { length: 300, seed: 1 })).length > 1)
})

test('the prefix is followed, not returned', async (t) => {
  const model = await trained
  const options = { length: 40, seed: 1 }
  t.not(await model.sample({ ...options, prefix: 'The quick' }), await model.sample({ ...options, prefix: 'Pack my' }))
  t.false((await model.sample({ ...options, prefix: 'jugs! jugs! ', length: 3 })).startsWith('jugs! jugs! '))
})

test('an empty prefix stands for a new line', async (t) => {
  const model = await trained
  const options = { length: 40, seed: 1 }
  t.is(await model.sample(options), await model.sample({ ...options, prefix: '\n' }))
})

test('an empty prefix stands for the most frequent symbol where there is no new line', async (t) => {
  const model = await trainCharModel({ ...TINY, corpus: { text: 'abab abbb'.repeat(50) }, steps: 5 })
  const options = { length: 40, seed: 1 }
  t.is(await model.sample(options), await model.sample({ ...options, prefix: 'b' }))
})

test('temperature 0 and greedy always take the likeliest symbol', async (t) => {
  const model = await trained
  const greedy = await model.sample({ length: 60, greedy: true })
  t.is(await model.sample({ length: 60, temperature: 0, seed: 7 }), greedy)
  t.is(await model.sample({ length: 60, topK: 1, seed: 8 }), greedy)
  t.is(await model.sample({ length: 60, greedy: true, temperature: 0 }), greedy)
})

test('the text ends before the first stop text', async (t) => {
  const model = await trained
  const options = { length: 200, seed: 11 }
  const whole = await model.sample(options)
  const stop = whole.slice(100, 103)
  t.is(await model.sample({ ...options, stop }), whole.slice(0, whole.indexOf(stop)))
  t.is(await model.sample({ ...options, stop: ['☃', stop] }), whole.slice(0, whole.indexOf(stop)))
  t.is(await model.sample({ ...options, stop: whole[0]! }), '')
})

test('length 0 is the empty text', async (t) => {
  const model = await trained
  t.is(await model.sample({ length: 0 }), '')
  t.deepEqual(await streamed(model, { length: 0 }), [])
})

test('a long text takes few calls and keeps its length', async (t) => {
  t.is((await (await trained).sample({ length: 5000, seed: 1 })).length, 5000)
})

test('window context looks at the last unrollLength symbols alone', async (t) => {
  const model = await trained
  const same = TEXT.slice(20, 30)
  const options = { length: 1, temperature: 0, context: 'window' } as const
  const far = await Promise.all(['The', 'jugs!', ''].map((begin) => model.sample({ ...options, prefix: begin + same })))
  t.is(new Set(far).size, 1)
})

test('a prefix is normalised as the corpus was', async (t) => {
  const corpus = { text: TEXT, lowercase: true, newlines: 'space' } as const
  const model = await trainCharModel({ ...TINY, corpus, steps: 5 })
  const options = { length: 20, seed: 1 }
  t.is(await model.sample({ ...options, prefix: 'THE\r\nDOG' }), await model.sample({ ...options, prefix: 'the dog' }))
  t.is((await model.evaluate({ text: 'THE\nDOG' })).loss, (await model.evaluate({ text: 'the dog' })).loss)
})

test('emoji and combining marks never come out halved, streaming included', async (t) => {
  const text = 'a👩‍👩‍👧e\u0301🇩🇪o\u0308👍🏽 '.repeat(60)
  for (const unit of ['char', 'grapheme', 'byte'] as const) {
    const model = await trainCharModel({
      ...TINY,
      corpus: { text },
      vocabulary: { unit },
      steps: 150,
    })
    const options = { length: 300, seed: 2 }
    const pieces = await streamed(model, options)
    t.is(pieces.join(''), await model.sample(options))
    const graphemes = [...new Intl.Segmenter().segment(pieces.join(''))].map(({ segment }) => segment)
    t.deepEqual(
      pieces.flatMap((piece) => [...new Intl.Segmenter().segment(piece)].map(({ segment }) => segment)),
      graphemes,
      unit,
    )
    t.true(pieces.every((piece) => !/\p{Surrogate}/u.test(piece)))
    model.dispose()
  }
})

test('a prefix with a symbol the model does not know is refused with it', async (t) => {
  const model = await trained
  const error = await rejectsWith(t, model.sample({ prefix: 'The Ω' }), 'ERR_UNKNOWN_SYMBOL', 'prefix')
  t.is(error.value, 'Ω')
  t.is(error.position, 4)
  const skipping = await trainCharModel({ ...TINY, vocabulary: { unknown: 'skip' }, steps: 1 })
  const options = { length: 20, seed: 1 }
  t.is(await skipping.sample({ ...options, prefix: 'The ΩΩ' }), await skipping.sample({ ...options, prefix: 'The ' }))
})

test('a raised signal stops a sample and a stream with its reason', async (t) => {
  const model = await trained
  for (const run of [
    (signal: AbortSignal) => model.sample({ length: 10_000_000, signal }),
    (signal: AbortSignal) => streamed(model, { length: 10_000_000, signal }),
  ]) {
    const stopping = new AbortController()
    const promise = run(stopping.signal)
    setTimeout(() => stopping.abort('enough'), 20)
    t.is((await rejectsWith(t, promise, 'ERR_ABORTED')).cause, 'enough')
  }
  t.is((await rejectsWith(t, model.sample({ signal: AbortSignal.abort(1) }), 'ERR_ABORTED')).cause, 1)
})

test('a stream that is left early frees its place', async (t) => {
  const model = await trained
  for (let i = 0; i < 20; i++) for await (const _ of model.stream({ length: 1000 })) break
  t.is((await model.sample({ length: 5 })).length, 5)
})

test('a text of bytes never ends within a character, whatever its length', async (t) => {
  const model = await trainCharModel({
    ...TINY,
    corpus: { text: '한글 '.repeat(200) },
    vocabulary: { unit: 'byte' },
    steps: 300,
  })
  const whole = await model.sample({ greedy: true, prefix: '한글 ', length: 14 })
  t.is(whole, '한글 한글 ')
  for (let length = 1; length <= 14; length++) {
    const options = { greedy: true, prefix: '한글 ', length }
    const text = await model.sample(options)
    t.true(whole.startsWith(text), `${length}: ${text}`)
    t.true(Buffer.byteLength(text) > length - 3, `${length}: ${text}`)
    t.is((await streamed(model, options)).join(''), text)
  }
  model.dispose()
})

test('stop texts are normalised as the corpus was', async (t) => {
  const corpus = { text: TEXT, lowercase: true, newlines: 'space' } as const
  const model = await trainCharModel({ ...TINY, corpus, steps: 20 })
  const options = { length: 300, seed: 4 }
  const whole = await model.sample(options)
  t.true(whole.includes('e') && whole.includes(' '), whole)
  t.is(await model.sample({ ...options, stop: 'E' }), whole.slice(0, whole.indexOf('e')))
  t.is(await model.sample({ ...options, stop: ['\n'] }), whole.slice(0, whole.indexOf(' ')))
  model.dispose()
})
