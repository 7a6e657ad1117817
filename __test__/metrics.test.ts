import test from 'ava'
import { bitsPerChar, LossMeter, lossReport, median, perplexity, SpeedMeter } from '../ts/metrics.ts'

test('a model that gives each of V symbols the same chance has perplexity V and log2 V bits', (t) => {
  const nats = 1000 * Math.log(64)
  t.true(Math.abs(perplexity(nats, 1000) - 64) < 1e-9)
  t.true(Math.abs(bitsPerChar(nats, 1000) - 6) < 1e-12)
})

test('perplexity is taken once over all symbols, not as a mean over windows', (t) => {
  const meter = new LossMeter()
  meter.add({ lossSum: 0, nats: 0, count: 1 })
  meter.add({ lossSum: 12, nats: Math.log(4) * 3, count: 3 })
  const report = meter.report()
  t.is(report.loss, 3)
  t.true(Math.abs(report.perplexity - Math.exp((3 * Math.log(4)) / 4)) < 1e-12)
  t.true(Math.abs(report.bitsPerChar - 1.5) < 1e-12)
  t.is(report.symbols, 4)
})

test('the loss is the objective, the other measures come from plain nats', (t) => {
  t.deepEqual(lossReport({ lossSum: 10, nats: 0, count: 5 }), { loss: 2, perplexity: 1, bitsPerChar: 0, symbols: 5 })
})

test('taking a report begins anew', (t) => {
  const meter = new LossMeter()
  meter.add({ lossSum: 8, nats: 8, count: 4 })
  t.is(meter.count, 4)
  t.is(meter.take().loss, 2)
  t.is(meter.count, 0)
  t.true(Number.isNaN(meter.report().loss))
  meter.add({ lossSum: 3, nats: 3, count: 1 })
  t.is(meter.take().loss, 3)
})

test('speed counts symbols since the last asking, without pauses', (t) => {
  let now = 1000
  const meter = new SpeedMeter(() => now)
  t.is(meter.takeSymbolsPerSecond(), 0)
  meter.add(1, 500)
  now += 250
  meter.pause()
  now += 10_000
  meter.pause()
  meter.resume()
  meter.resume()
  now += 250
  meter.add(1, 500)
  t.is(meter.takeSymbolsPerSecond(), 2000)
  now += 100
  meter.add(1, 100)
  t.is(meter.takeSymbolsPerSecond(), 1000)
  t.is(meter.takeSymbolsPerSecond(), 0)
  t.is(meter.elapsedMs, 10_600)
})

test('speed asked for in a pause leaves the pause out', (t) => {
  let now = 0
  const meter = new SpeedMeter(() => now)
  now = 1000
  meter.add(1, 300)
  meter.pause()
  now = 9000
  t.is(meter.takeSymbolsPerSecond(), 300)
})

test('the time left is the average step times the steps left', (t) => {
  let now = 0
  const meter = new SpeedMeter(() => now)
  t.is(meter.remainingMs(10), Number.POSITIVE_INFINITY)
  t.is(meter.remainingMs(0), 0)
  now = 600
  meter.add(3, 1)
  t.is(meter.remainingMs(5), 1000)
})

test('the clock is the monotonic one unless another is given', (t) => {
  const meter = new SpeedMeter()
  t.true(meter.elapsedMs >= 0 && meter.elapsedMs < 60_000)
})

test('the median is the middle one in order of size, or lies between the two in the middle', (t) => {
  t.is(median([30, 4, 100]), 30)
  t.is(median([30, 4, 100, 10]), 20)
  t.is(median([7]), 7)
  t.is(median([]), Number.NaN)
})
