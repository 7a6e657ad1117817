/** Trains one step of W6 on a small text, as a program of a user's would, and prints when it came how far, in milliseconds since the process began. */
import { writeSync } from 'node:fs'
import { randomText } from '../workloads/data.ts'

const threads = Number(process.argv[2])
const begun = performance.now()
const { trainCharModel } = await import('rnnkit')
const loaded = performance.now()
await trainCharModel({
  corpus: { text: randomText(65, 2 * 50 * 50 + 1) },
  cell: 'lstm',
  layers: 2,
  hiddenSize: 128,
  batchSize: 50,
  unrollLength: 50,
  optimizer: { kind: 'adam', learningRate: 2e-3 },
  validation: 0,
  steps: 1,
  device: 'cpu',
  threads,
})
writeSync(1, JSON.stringify({ begun, loaded, stepped: performance.now() }))
process.exit()
