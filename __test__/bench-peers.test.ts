/** Another program's figures beside ours: only what did the same work may stand there. */
import test from 'ava'
import type { Measured, PeerLine } from '../bench/measured.ts'
import { fastestPeer, parsePeerLines } from '../bench/peer-lines.ts'
import { createTable } from '../bench/table.ts'

const line = (given: Partial<PeerLine>): PeerLine => ({
  peer: 'pytorch',
  version: '2',
  workload: 'W6',
  idiom: 'one-hot',
  tokens_per_s: 100,
  step_ms_median: 1,
  ...given,
})

test('the fastest way of the same work on the same kind of device counts', (t) => {
  const peers = [
    line({ idiom: 'slow', tokens_per_s: 50, device: 'gpu', precision: 'f32' }),
    line({ idiom: 'fast', tokens_per_s: 200, device: 'gpu', precision: 'f32' }),
    line({ idiom: 'half', tokens_per_s: 900, device: 'gpu', precision: 'f16' }),
    line({ idiom: 'cpu', tokens_per_s: 800 }),
    line({ idiom: 'other', tokens_per_s: 700, device: 'gpu', precision: 'f32', workload: 'W2' }),
  ]
  const idiom = (asked: Partial<PeerLine>) => fastestPeer(line(asked), peers)?.idiom
  t.is(idiom({ device: 'gpu', precision: 'f32' }), 'fast')
  t.is(idiom({ device: 'gpu', precision: 'f16' }), 'half')
  t.is(idiom({ device: 'cpu' }), 'cpu')
  t.is(idiom({ device: 'gpu', precision: 'f32', workload: 'W7' }), undefined)
})

test('lines without figures are left out, and what is no JSON is named', (t) => {
  const text = [
    JSON.stringify(line({})),
    '',
    JSON.stringify({ peer: 'pytorch', workload: 'W8', error: 'out of memory' }),
    JSON.stringify({ peer: 'pytorch', workload: 'sgemm', gflops: 3 }),
  ].join('\n')
  t.deepEqual(
    parsePeerLines(text, 'torch.jsonl').map(({ workload }) => workload),
    ['W6'],
  )
  t.throws(() => parsePeerLines(`${text}\nTraceback`, 'torch.jsonl'), { message: /^torch\.jsonl, line 4 is no JSON/ })
})

test('a row shows the peer and how many times its speed we have', (t) => {
  const measured: Measured = {
    ...line({ tokens_per_s: 3000 }),
    peer: 'rnnkit',
    idiom: 'one-hot',
    threads: 2,
    device: 'gpu',
    device_description: 'a GPU',
    precision: 'f16',
    form: 'resident',
    rss_mb: 100,
    first_step_s: 0.5,
    gflops: 12,
    steps: 40,
    timing: 'timestamps',
    wall_ms_per_step: 1.25,
  }
  const peers = [line({ device: 'gpu', precision: 'f16', tokens_per_s: 1200 })]
  const columns = (text: string) => text.trim().split(/\s{2,}/)
  const beside = createTable('gpu', peers)
  t.deepEqual(columns(beside.row(measured)).slice(-3), ['pytorch one-hot', '1,200', '2.50'])
  t.is(beside.row(measured).length, beside.title.length)
  t.deepEqual(columns(beside.row({ ...measured, precision: 'f32' })).slice(-3), ['-', '-', '-'])
  t.deepEqual(columns(createTable('gpu').row(measured)).slice(0, 4), ['W6', 'f16', 'resident', '3,000'])
})
