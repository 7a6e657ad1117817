/**
 * Trains the setting of `__test__/reference/learning_curves.json` on tinyshakespeare over three seeds and compares the curve.
 *
 *   RNNKIT_CORPORA=<folder with tinyshakespeare.txt> node --import=tsx scripts/learning-curve.ts [--precision bf16] [--seed n]
 *
 * Another program's random numbers differ, so the validation loss is held within 3 % of the range over PyTorch's seeds, and the
 * training loss may be at most 3 % above it on the way.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Precision, trainCharModel } from '../ts/index.ts'

interface Range {
  min: number
  max: number
}

const MARGIN = 0.03
const { values } = parseArgs({
  options: { precision: { type: 'string', default: 'f32' }, seed: { type: 'string' } },
})
/** The library checks it. */
const precision = values.precision as Precision
const seeds = values.seed === undefined ? [1, 2, 3] : [Number(values.seed)]
const SETTING = 'w6_tinyshakespeare_lstm2x128'

const corpora = process.env.RNNKIT_CORPORA
if (corpora === undefined) {
  console.error('skipped: RNNKIT_CORPORA names no folder with tinyshakespeare.txt')
  process.exit(0)
}

const curves = new URL('../__test__/reference/learning_curves.json', import.meta.url)
const { summary } = JSON.parse(await readFile(curves, 'utf8')).curves[SETTING] as {
  summary: { train_loss: Record<string, Range>; valid_loss: Range }
}
const isLate = (value: number, range: Range) => !(value <= range.max * (1 + MARGIN))
const isOutside = (value: number, range: Range) => isLate(value, range) || value < range.min * (1 - MARGIN)
let failures = 0

for (const seed of seeds) {
  const model = await trainCharModel({
    corpus: { files: [join(corpora, 'tinyshakespeare.txt')] },
    cell: 'lstm',
    layers: 2,
    hiddenSize: 128,
    batchSize: 50,
    unrollLength: 50,
    steps: 1500,
    optimizer: { kind: 'adam', learningRate: 2e-3 },
    clip: { norm: 5 },
    validation: 0.1,
    seed,
    device: 'cpu',
    precision,
  })
  const row: Record<string, string> = {}
  for (const { step, loss } of model.history) {
    const range = summary.train_loss[String(step)]
    if (range === undefined) continue
    if (isLate(loss, range)) failures += 1
    if (step % 300 === 0)
      row[`loss at ${step}`] = `${loss.toFixed(4)} (${range.min.toFixed(4)} to ${range.max.toFixed(4)})`
  }
  const { loss, perplexity, symbols } = model.history.at(-1)?.validation ?? { loss: NaN, perplexity: NaN, symbols: 0 }
  if (isOutside(loss, summary.valid_loss)) failures += 1
  const wanted = `${summary.valid_loss.min.toFixed(4)} to ${summary.valid_loss.max.toFixed(4)}`
  console.log(
    `seed ${seed}`,
    row,
    `validation ${loss.toFixed(4)} (${wanted}), perplexity ${perplexity.toFixed(3)}, ${symbols} symbols`,
  )
  model.dispose()
}
console.log(failures === 0 ? 'within 3 %' : `${failures} values beyond 3 %`)
process.exitCode = failures === 0 ? 0 : 1
