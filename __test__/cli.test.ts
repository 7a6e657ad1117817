/** The `rnnkit` command from outside: what it prints where, and how it ends. Needs the built addon. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { CharModel } from '../ts/index.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ROOT_FILE = join(ROOT, 'package.json')
const BUILT = join(ROOT, 'dist/cli/main.js')
const RNNKIT = ['--import=tsx', join(ROOT, 'ts/cli/main.ts')]

interface Ended {
  code: number | null
  out: string
  err: string
}

/** Runs `rnnkit` with `words`; `meanwhile` may act on the process once it has written to stderr. */
function rnnkit(
  words: readonly string[],
  meanwhile?: (signal: (name: NodeJS.Signals) => void) => void,
  program: readonly string[] = RNNKIT,
): Promise<Ended> {
  const child = spawn(process.execPath, [...program, ...words], { cwd: ROOT })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  let training = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    // A driver that is asked for GPUs may write before there is a step.
    if (training || !/\bstep \d/.test(err)) return
    training = true
    meanwhile?.((name) => child.kill(name))
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

let folder: string
let text: string
let model: string

test.before(async (t) => {
  folder = await mkdtemp(join(tmpdir(), 'rnnkit-cli-'))
  text = join(folder, 'text.txt')
  model = join(folder, 'model.safetensors')
  await writeFile(text, 'the cat sat on the mat. the dog sat on the log.\n'.repeat(60))
  const sizes = ['--hidden-size', '16', '--layers', '1', '--batch-size', '4', '--unroll-length', '8', '--threads', '1']
  const flags = [
    '--steps',
    '60',
    '--validation',
    '0.1',
    '--sample-every',
    '30',
    '--sample-prefix',
    'the ',
    '--seed',
    '3',
    '--flavour',
    'keras',
  ]
  const trained = await rnnkit(['train', text, '--out', model, ...sizes, ...flags])
  t.is(trained.code, 0, trained.err)
  t.is(trained.out, `${model}\n`)
  t.regex(trained.err, /step 60 of 60 · epoch \d+\.\d\d · loss \d\.\d{3} · perplexity \d+\.\d{2} · [\d,]+ symbols\/s/)
  t.regex(trained.err, /validation perplexity \d+\.\d+/)
  t.is(trained.err.match(/^device: cpu, .* \(a step takes the CPU .*\)$/gm)?.length, 1, trained.err)
  t.regex(trained.err, /--- the /)
})

test.after.always(() => rm(folder, { recursive: true, force: true }))

test('sample writes its prefix and as many symbols as asked for, the same for the same seed', async (t) => {
  const words = ['sample', model, '--prefix', 'the ', '--length', '40', '--temperature', '0.8', '--seed', '7']
  const [once, again] = await Promise.all([rnnkit(words), rnnkit(words)])
  t.is(once.code, 0, once.err)
  t.is(once.err, '')
  t.is(once.out.length, 'the '.length + 40 + '\n'.length)
  t.true(once.out.startsWith('the '))
  t.is(again.out, once.out)
})

test('evaluate scores every symbol but the first', async (t) => {
  const { code, out, err } = await rnnkit(['evaluate', model, text, '--json'])
  t.is(code, 0, err)
  const score = JSON.parse(out) as { symbols: number; loss: number; perplexity: number; bitsPerChar: number }
  t.is(score.symbols, 48 * 60 - 1)
  t.true(Math.abs(score.perplexity - Math.exp(score.loss)) < 1e-9 * score.perplexity)
  const readable = await rnnkit(['evaluate', model, text])
  t.true(readable.out.includes(`perplexity    ${score.perplexity.toFixed(3)}`), readable.out)
})

test('inspect tells what the model is', async (t) => {
  const { code, out, err } = await rnnkit(['inspect', model, '--json'])
  t.is(code, 0, err)
  const told = JSON.parse(out) as { parameters: number; vocabulary: { size: number; unit: string }; training: object }
  const vocabulary = new Set('the cat sat on the mat. the dog sat on the log.\n').size
  t.is(told.vocabulary.size, vocabulary)
  t.is(told.parameters, 4 * 16 * (vocabulary + 16 + 2) + vocabulary * (16 + 1))
  t.is(told.vocabulary.unit, 'char')
  using loaded = await CharModel.load(model)
  t.deepEqual(told.training, JSON.parse(JSON.stringify(loaded.recipe)))
  t.like(loaded.recipe, {
    optimizer: { kind: 'adam', flavour: 'keras', epsilon: 1e-7 },
    clip: { kind: 'norm', theta: 5 },
    seed: 3,
  })
  const readable = await rnnkit(['inspect', model])
  t.regex(readable.out, /lstm/)
  t.true(readable.out.includes(told.parameters.toLocaleString('en')), readable.out)
})

test('help and version go to stdout', async (t) => {
  const [all, train, version] = await Promise.all([
    rnnkit(['--help']),
    rnnkit(['train', '--help']),
    rnnkit(['--version']),
  ])
  t.deepEqual([all.code, train.code, version.code], [0, 0, 0])
  for (const command of ['train', 'sample', 'evaluate', 'inspect']) t.true(all.out.includes(`rnnkit ${command} --help`))
  t.regex(train.out, /--learning-rate <rate>/)
  t.regex(version.out, /^rnnkit\/\d+\.\d+\.\d+/)
})

const FAILURES: [what: string, words: () => string[], code: number, line: RegExp][] = [
  ['an unknown command', () => ['trian', text], 2, /^rnnkit: unknown command "trian": did you mean train\?/],
  ['an unknown option', () => ['sample', model, '--temprature', '1'], 2, /did you mean --temperature\?/],
  [
    'a training without an end',
    () => ['train', text, '--out', model],
    2,
    /exactly one of --epochs <n> and --steps <n>/,
  ],
  [
    'a text that is not there',
    () => ['train', `${text}x`, '-o', model, '--steps', '1'],
    1,
    /text\.txtx.* \[ERR_CORPUS_FILE\]$/m,
  ],
  [
    'a bad number',
    () => ['train', text, '-o', model, '--steps', '1', '--dropout', '1'],
    1,
    /dropout.* \[ERR_INVALID_OPTION\]$/m,
  ],
  ['an empty --out', () => ['train', text, '-o', '', '--steps', '1'], 1, /--out is empty/],
  ['an --out that is a folder', () => ['train', text, '-o', folder, '--steps', '1'], 1, /it is a folder/],
  [
    'an --out in a folder that is not there',
    () => ['train', `${text}x`, '-o', join(folder, 'none', 'x'), '--steps', '1'],
    1,
    /there is no folder .*none; make it first \[ERR_CHECKPOINT_WRITE\]$/m,
  ],
  [
    'both --epochs and --steps',
    () => ['train', text, '-o', model, '--steps', '1', '--epochs', '1'],
    2,
    /exactly one of --epochs <n> and --steps <n>/,
  ],
  ['a negation', () => ['train', text, '-o', model, '--no-lowercase'], 2, /train has no option --no-lowercase/],
  [
    'a text of unknown symbols',
    () => ['evaluate', model, ROOT_FILE],
    1,
    /package\.json: text has .*UNKNOWN_SYMBOL\]$/m,
  ],
  [
    'what only a GPU has',
    () => ['sample', model, '--device', 'cpu', '--precision', 'f16'],
    1,
    /precision is "f16": it must be 'f32' or 'bf16' with device 'cpu'/,
  ],
  ['an unknown device', () => ['sample', model, '--device', 'abacus'], 1, /device is "abacus"/],
  ['too few threads', () => ['evaluate', model, text, '--threads', '0'], 1, /threads is 0/],
  ['a model that is none', () => ['sample', text], 1, /\[ERR_CHECKPOINT_\w+\]$/m],
  ['a prefix of unknown symbols', () => ['sample', model, '--prefix', '☃'], 1, /\[ERR_UNKNOWN_SYMBOL\]$/m],
]
for (const [what, words, code, line] of FAILURES) {
  test(`${what} ends in one line on stderr and exit code ${code}`, async (t) => {
    const ended = await rnnkit(words())
    t.is(ended.code, code, ended.err)
    t.is(ended.out, '')
    t.regex(ended.err, line)
    t.is(ended.err.trimEnd().split('\n').length, 1, ended.err)
  })
}

for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${name} ends a training with exit code ${code}, and what was learned is saved`, async (t) => {
    const out = join(folder, `${name}.safetensors`)
    const words = ['train', text, '--out', out, '--steps', '1000000', '--hidden-size', '16']
    const ended = await rnnkit(words, (signal) => signal(name))
    t.is(ended.code, code, ended.err)
    t.regex(ended.err, /\[ERR_ABORTED\]\n$/)
    const steps = /saved the (\d+) steps/.exec(ended.err)?.[1]
    t.is(JSON.parse((await rnnkit(['inspect', out, '--json'])).out).steps, Number(steps))
  })
}

test('bytes that are not UTF-8, words and a random offset are trained on and scored where asked for', async (t) => {
  const [latin, out] = [join(folder, 'latin.txt'), join(folder, 'words.safetensors')]
  await writeFile(latin, Buffer.from('caf\xe9 au lait. '.repeat(60), 'latin1'))
  const sizes = ['--hidden-size', '4', '--batch-size', '2', '--unroll-length', '4', '--steps', '3']
  const words = ['train', latin, '-o', out, ...sizes, '--unit', 'word', '--offset', 'random']
  t.regex((await rnnkit(words)).err, /corpus\.invalid 'replace'.*\[ERR_INVALID_UTF8\]/)
  const trained = await rnnkit([...words, '--invalid', 'replace'])
  t.is(trained.code, 0, trained.err)
  t.regex(trained.err, /bits\/symbol/)
  t.is(JSON.parse((await rnnkit(['inspect', out, '--json'])).out).training.batches.offset, 'random')
  const scored = await rnnkit(['evaluate', out, latin, '--invalid', 'replace', '--device', 'reference'])
  t.is(scored.code, 0, scored.err)
  t.regex(scored.out, /bits\/symbol +\d/)
})

test('two directions, dropout of every kind and the carry are said by flags, and told by inspect', async (t) => {
  const out = join(folder, 'flags.safetensors')
  const sizes = ['--hidden-size', '4', '--batch-size', '2', '--unroll-length', '4', '--steps', '3']
  const both = ['--bidirectional', '--predict', 'last-step', '--reset-carry', 'batch']
  const dropout = ['--input-dropout', '0.1', '--recurrent-dropout', '0.2', '--per-gate', '--output-dropout', '0.3']
  const trained = await rnnkit(['train', text, '-o', out, ...sizes, ...both, ...dropout])
  t.is(trained.code, 0, trained.err)
  const { out: told } = await rnnkit(['inspect', out])
  t.regex(told, /lstm 4 in two directions, dropout input 0\.1, recurrent 0\.2, per gate → dropout 0\.3 → lstm 4/)
  t.regex(told, /batches +consecutive, carry reset: batch/)
  const refused = await rnnkit(['train', text, '-o', out, ...sizes, '--bidirectional'])
  t.regex(refused.err, /predict is "every-step": it must be 'last-step' with bidirectional layers/)
})

// What people get: the bundle that the build makes. Without a build there is none to run.
const builtTest = existsSync(BUILT) ? test : test.skip
builtTest('every command of the built package runs', async (t) => {
  const out = join(folder, 'built.safetensors')
  const sizes = ['--hidden-size', '8', '--batch-size', '4', '--unroll-length', '8', '--steps', '2', '--threads', '1']
  for (const words of [
    ['train', text, '-o', out, ...sizes],
    ['sample', out, '--length', '5'],
    ['evaluate', out, text],
    ['inspect', out],
  ]) {
    const ended = await rnnkit(words, undefined, [BUILT])
    t.is(ended.code, 0, ended.err)
    t.not(ended.out, '')
  }
})

test('train --from goes on with a saved model', async (t) => {
  const out = join(folder, 'further.safetensors')
  const ended = await rnnkit(['train', text, '--from', model, '--out', out, '--steps', '5', '--schedule', 'cosine'])
  t.is(ended.code, 1, 'a schedule alone is no new start')
  const further = await rnnkit(['train', text, '--from', model, '--out', out, '--steps', '5'])
  t.is(further.code, 0, further.err)
  t.is(JSON.parse((await rnnkit(['inspect', out, '--json'])).out).steps, 65)
})

test('a reader that closes its end early is no failure', async (t) => {
  const child = spawn(process.execPath, [...RNNKIT, 'sample', model, '--length', '200000'], { cwd: ROOT })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err += piece
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise((resolve) => child.on('close', resolve))
  t.is(code, 0, err)
  t.is(err, '')
})
