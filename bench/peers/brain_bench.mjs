#!/usr/bin/env node
/**
 * brain.js, in JavaScript alone: node brain_bench.mjs --modules DIR [--package brain.js|brain1] [--seconds 5] W2 | sample
 *
 * `brain.js` is 2.0 beta, `brain1` is 1.x (installed under that name). It trains one sequence at a time, by its own loop, so that this is
 * the nearest thing to W2 that it can do: one LSTM layer of 256 on strings of 40 of 57 characters, batch 1. A step is ten strings.
 */
import { disturb, median, report, requireFrom, rssMb, sinceStart, ticks } from './common.mjs'

const HIDDEN = 256
const LENGTH = 40
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;\n'
/** Useful operations for one character: recurrent and output weights, for the input is one-hot. */
const FLOPS = 6 * (4 * HIDDEN * HIDDEN + HIDDEN * ALPHABET.length)
/** Seconds of sampling. */
const SAMPLING = 3

const options = { modules: '.', package: 'brain.js', seconds: '5' }
const ids = []
const words = process.argv.slice(2)
while (words.length > 0) {
  const word = words.shift()
  if (word.startsWith('--')) options[word.slice(2)] = words.shift()
  else ids.push(word)
}

const require = requireFrom(options.modules)
const clock = performance.now()
const library = require(options.package)
const importSeconds = (performance.now() - clock) / 1000
const { version } = require(`${require.resolve.paths(options.package)[0]}/${options.package}/package.json`)
const { LSTM } = (library.default ?? library).recurrent ?? library.recurrent
const net = new LSTM({ hiddenLayers: [HIDDEN], maxPredictionLength: 200 })
const strings = randomStrings(10)
const common = { peer: 'brain.js', version, threads: 1, idiom: `${options.package}, batch 1` }
const step = () => net.train(strings, { iterations: 1, errorThresh: 0, log: false, errorCheckInterval: 1000 })

step()
const first = sinceStart()
for (const id of ids) {
  if (id === 'W2') train()
  else if (id === 'sample') sample()
  else report({ ...common, workload: id, error: 'brain.js can run W2 and sample alone' })
}

function train() {
  const times = []
  const before = ticks()
  const begun = performance.now()
  do {
    const stepBegun = performance.now()
    step()
    times.push(performance.now() - stepBegun)
  } while (performance.now() - begun < 1000 * options.seconds)
  const ms = median(times)
  const perSecond = (1000 * strings.length * LENGTH) / ms
  report({
    ...common,
    workload: 'W2',
    tokens_per_s: rounded(perSecond, 1),
    step_ms_median: rounded(ms, 2),
    rss_mb: Math.round(rssMb()),
    first_step_s: rounded(first, 2),
    gflops: rounded((FLOPS * perSecond) / 1e9, 3),
    steps: times.length,
    import_s: rounded(importSeconds, 2),
    ...disturb(before, (performance.now() - begun) / 1000),
  })
}

function sample() {
  const begun = performance.now()
  let characters = 0
  do characters += [...net.run(strings[0][0], true, 0.8)].length || 1
  while (performance.now() - begun < 1000 * SAMPLING)
  const perSecond = (1000 * characters) / (performance.now() - begun)
  report({ ...common, workload: 'sample W2', chars_per_s: rounded(perSecond, 1) })
}

/** Strings in which every character occurs, the same each time. */
function randomStrings(count) {
  let state = 1
  const next = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
  const random = Array.from({ length: count - 2 }, () =>
    Array.from({ length: LENGTH }, () => ALPHABET[next(ALPHABET.length)]).join(''),
  )
  return [...random, ALPHABET.slice(0, LENGTH), ALPHABET.slice(-LENGTH)]
}

function rounded(number, digits) {
  return Number(number.toFixed(digits))
}
