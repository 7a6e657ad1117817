import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { readCorpus } from '../ts/corpus/read-corpus.ts'
import type { Unit } from '../ts/corpus/segment.ts'
import { decodedLength, firstInvalidByte } from '../ts/corpus/utf8.ts'
import { type ErrorCode, RnnKitError } from '../ts/errors.ts'
import { corpusOptions } from '../ts/options/corpus.ts'

const read = async (options: unknown, unit: Unit = 'char') => readCorpus(corpusOptions('corpus', options), unit)

async function refuses(t: ExecutionContext, options: unknown, code: ErrorCode, field: string): Promise<RnnKitError> {
  const error = await t.throwsAsync(read(options), { instanceOf: RnnKitError })
  t.is(error.code, code)
  t.is(error.field, field)
  return error
}

async function folder(
  t: ExecutionContext,
  files: Record<string, string | Uint8Array> = {},
): Promise<(name: string) => string> {
  const path = await mkdtemp(join(tmpdir(), 'rnnkit-corpus-'))
  t.teardown(() => rm(path, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return (name) => join(path, name)
}

test('files are joined in order, each without the one BOM at its beginning', async (t) => {
  const at = await folder(t, { a: '\ufeffone\r\n', b: '\ufeff\ufefftwo\u0000\u2028', c: 'thr\ufeffee' })
  t.is(await read({ files: [at('b'), at('a'), at('c')] }), '\ufefftwo\u0000\u2028one\r\nthr\ufeffee')
})

test('a file that is decoded in several goes gives its text, wherever a character is cut', async (t) => {
  for (const shift of [1, 2, 3, 4]) {
    const text = `${'x'.repeat(2 ** 20 - shift)}😀é한`
    const at = await folder(t, { large: `\ufeff${text}` })
    t.true((await read({ files: [at('large')] })) === text)
  }
})

test('text is kept as it is unless asked otherwise', async (t) => {
  t.is(await read({ text: '\ufeffA\r\nB\r\u0000' }), '\ufeffA\r\nB\r\u0000')
})

test('newlines, lowercase, normalize and maxSymbols act in this order', async (t) => {
  const text = 'A\r\nB\rC\n\nÉx'
  t.is(await read({ text, newlines: 'space' }), 'A B C  Éx')
  t.is(
    await read({ text, newlines: 'space', lowercase: true, normalize: (s: string) => `<${s}>`, maxSymbols: 4 }),
    '<a b',
  )
})

test('maxSymbols counts in the unit of the vocabulary', async (t) => {
  t.is(await read({ text: 'call me ishmael', maxSymbols: 3 }, 'word'), 'call me')
  t.is(await read({ text: 'e\u0301e\u0301', maxSymbols: 1 }, 'grapheme'), 'e\u0301')
})

test('an empty corpus is refused, before and after normalising', async (t) => {
  const at = await folder(t, { empty: '', bom: '\ufeff' })
  await refuses(t, { text: '' }, 'ERR_CORPUS_EMPTY', 'corpus')
  await refuses(t, { files: [at('empty'), at('bom')] }, 'ERR_CORPUS_EMPTY', 'corpus')
  await refuses(t, { text: 'x', normalize: () => '' }, 'ERR_CORPUS_EMPTY', 'corpus')
})

test('invalid UTF-8 is refused with file and byte offset', async (t) => {
  const at = await folder(t, { good: 'é', bad: Uint8Array.from([0xef, 0xbb, 0xbf, 0x41, 0xc3, 0x28]) })
  const error = await refuses(t, { files: [at('good'), at('bad')] }, 'ERR_INVALID_UTF8', 'corpus.files[1]')
  t.is(error.position, 4)
  t.true(error.message.includes('at byte 4 (0xc3)'), error.message)
})

test('what is not a regular file is refused without being opened', async (t) => {
  const at = await folder(t, { file: 'x' })
  const missing = await refuses(t, { files: [at('missing')] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')
  t.is((missing.cause as NodeJS.ErrnoException).code, 'ENOENT')
  t.regex((await refuses(t, { files: [tmpdir()] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')).message, /directory/)
  await refuses(t, { files: [join(at('file'), 'x')] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')
  await refuses(t, { files: ['a\0b'] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')
})

const unix = process.platform === 'win32' ? test.skip : test

unix('a FIFO, a device and a circle of links are refused, and nothing waits', async (t) => {
  const at = await folder(t)
  execFileSync('mkfifo', [at('fifo')])
  await symlink(at('fifo'), at('link'))
  await symlink(at('circle'), at('circle'))
  for (const [path, reason] of [
    [at('fifo'), /FIFO/],
    [at('link'), /FIFO/],
    ['/dev/zero', /device/],
    [at('circle'), /circle/],
  ] as const) {
    const error = await refuses(t, { files: [path] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')
    t.regex(error.message, reason)
  }
})

test('a file too large for one string is refused by its size', async (t) => {
  const at = await folder(t, { sparse: '' })
  await truncate(at('sparse'), 2 ** 31)
  t.regex((await refuses(t, { files: [at('sparse')] }, 'ERR_CORPUS_FILE', 'corpus.files[0]')).message, /too large/)
})

test('half a surrogate pair is refused in text and from normalize', async (t) => {
  t.is((await refuses(t, { text: 'ab\ud800' }, 'ERR_LONE_SURROGATE', 'corpus.text')).position, 2)
  await refuses(t, { text: '😀', normalize: (s: string) => s.slice(1) }, 'ERR_LONE_SURROGATE', 'corpus.normalize')
  await refuses(t, { text: 'x', normalize: () => 5 }, 'ERR_INVALID_OPTION', 'corpus.normalize')
  await refuses(t, { text: 'x', normalize: () => undefined }, 'ERR_INVALID_OPTION', 'corpus.normalize')
})

test('an error thrown by normalize is the cause of a typed one', async (t) => {
  const mine = new Error('mine')
  const normalize = () => {
    throw mine
  }
  t.is((await refuses(t, { text: 'x', normalize }, 'ERR_INVALID_OPTION', 'corpus.normalize')).cause, mine)
})

test('the option is checked before any file is read', async (t) => {
  const files = ['/nowhere']
  await refuses(t, undefined, 'ERR_MISSING_OPTION', 'corpus')
  await refuses(t, 'text', 'ERR_INVALID_OPTION', 'corpus')
  await refuses(t, {}, 'ERR_MISSING_OPTION', 'corpus')
  await refuses(t, { text: 'x', files }, 'ERR_INVALID_OPTION', 'corpus')
  await refuses(t, { text: 5 }, 'ERR_INVALID_OPTION', 'corpus.text')
  await refuses(t, { files: '/nowhere' }, 'ERR_INVALID_OPTION', 'corpus.files')
  await refuses(t, { files: [] }, 'ERR_INVALID_OPTION', 'corpus.files')
  await refuses(t, { files: ['a', ''] }, 'ERR_INVALID_OPTION', 'corpus.files[1]')
  await refuses(t, { files, newline: 'space' }, 'ERR_UNKNOWN_OPTION', 'corpus.newline')
  await refuses(t, { files, newlines: 'drop' }, 'ERR_INVALID_OPTION', 'corpus.newlines')
  await refuses(t, { files, lowercase: 1 }, 'ERR_INVALID_OPTION', 'corpus.lowercase')
  await refuses(t, { files, normalize: 'NFC' }, 'ERR_INVALID_OPTION', 'corpus.normalize')
  for (const maxSymbols of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '9', 9n, null]) {
    await refuses(t, { files, maxSymbols }, 'ERR_INVALID_OPTION', 'corpus.maxSymbols')
  }
})

test('the first invalid byte is where a strict decoder stops', (t) => {
  const decodes = (bytes: Uint8Array) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      return true
    } catch {
      return false
    }
  }
  const byte = fc.oneof(
    fc.constantFrom(0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0xf4, 0x90),
    fc.integer({ min: 0, max: 255 }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.array(byte, { maxLength: 12 }), (free, chosen) => {
      for (const bytes of [free, Uint8Array.from(chosen)]) {
        const offset = firstInvalidByte(bytes)
        t.is(offset === -1, decodes(bytes))
        if (offset === -1) continue
        t.true(decodes(bytes.subarray(0, offset)))
        // No sequence that begins there is well-formed, however many of the bytes it takes.
        for (let end = offset + 1; end <= bytes.length; end++) t.false(decodes(bytes.subarray(offset, end)))
      }
    }),
    { numRuns: 2000 },
  )
})

test('the decoded length is the length of the decoded text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      t.is(decodedLength(new TextEncoder().encode(text)), text.length)
    }),
  )
})

test('invalid UTF-8 becomes U+FFFD where that is asked for, and its refusal says how', async (t) => {
  const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, 0x63, 0xe9, 0x74, 0xe2, 0x82, 0x20, 0xff])
  const at = await folder(t, { latin: bytes, cut: Uint8Array.from([0x61, 0xf0, 0x9f]) })
  t.is(await read({ files: [at('latin'), at('cut')], invalid: 'replace' }), 'c\ufffdt\ufffd \ufffda\ufffd')
  const error = await refuses(t, { files: [at('latin')], invalid: 'error' }, 'ERR_INVALID_UTF8', 'corpus.files[0]')
  t.regex(error.message, /corpus\.invalid 'replace'/)
})
