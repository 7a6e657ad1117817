/** Comparing with a peer: by turns, its fastest way, and what is said where it cannot be run. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { PeerLine } from '../bench/measured.ts'
import { alternate, geometricMean } from '../bench/versus/alternate.ts'
import { PEER_PROGRAMS, type PeerName } from '../bench/versus/peer-programs.ts'
import { peerCommand, runPeer } from '../bench/versus/run-peer.ts'
import { COMPARED_TITLE, comparedRow } from '../bench/versus/table.ts'
import { WORKLOADS } from '../bench/workloads/list.ts'

const line = (idiom: string, perSecond: number, workload = 'W6'): PeerLine => ({
  peer: 'fake',
  version: '1',
  workload,
  idiom,
  threads: 1,
  tokens_per_s: perSecond,
  step_ms_median: 1000 / perSecond,
})
const speedOf = (one: object) => (one as PeerLine).tokens_per_s

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-bench-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

test('ours and theirs take turns, and after the first round their slower ways are left out', async (t) => {
  const order: string[] = []
  const ourSpeeds = [400, 300, 200]
  const speeds: Record<string, number[]> = { slow: [90], fast: [100, 150, 50] }
  const [compared, ...others] = await alternate({
    rounds: 3,
    ways: ['slow', 'fast'],
    speedOf,
    ours: async () => {
      order.push('ours')
      return [line('own', ourSpeeds.shift()!)]
    },
    theirs: async (way) => {
      order.push(way)
      return [line(way, speeds[way]!.shift()!)]
    },
  })
  t.deepEqual(others, [])
  t.deepEqual(order, ['ours', 'slow', 'fast', 'ours', 'fast', 'ours', 'fast'])
  t.like(compared, { workload: 'W6', oursPerSecond: 300, theirsPerSecond: 100, ratio: 3, lowest: 2, highest: 4 })
  t.like(compared, { ours: { tokens_per_s: 300 }, theirs: { idiom: 'fast', tokens_per_s: 100 } })
  t.is(comparedRow(compared!).length, COMPARED_TITLE.length)
})

test('one run of all sampling has a comparison for each model, and what failed in a round has none', async (t) => {
  let round = 0
  const found = await alternate({
    rounds: 2,
    ways: ['only'],
    speedOf,
    ours: async () => ['a', 'b', 'c'].map((workload) => line('own', 10, workload)),
    theirs: async () => (round++ === 0 ? ['a', 'b', 'c'] : ['c', 'a']).map((workload) => line('only', 5, workload)),
  })
  t.deepEqual(
    found.map(({ workload, ratio }) => [workload, ratio]),
    [
      ['a', 2],
      ['c', 2],
    ],
  )
})

test('the geometric mean of ratios is the same for the inverse ones', (t) => {
  t.true(Math.abs(geometricMean([2, 8]) - 4) < 1e-12)
  t.true(Math.abs(geometricMean([0.5, 0.125]) - 0.25) < 1e-12)
})

test("a peer's script is given its way and its workload, and its lines are read", async (t) => {
  const script = join(await folderOf(t), 'peer.mjs')
  const said = "{ peer: 'fake', version: '1', workload: process.argv.at(-1), idiom: process.argv[3], tokens_per_s: 7 }"
  await writeFile(script, `console.log('a library says hello'); console.log(JSON.stringify(${said}))`)
  const command = { program: process.execPath, words: [script, '--modules'], named: true }
  t.deepEqual(await runPeer(command, 'W2', ['way'], 0.5), [
    { peer: 'fake', version: '1', workload: 'W2', idiom: 'way', tokens_per_s: 7 },
  ] as never)
})

test('a peer that fails has no lines', async (t) => {
  const script = join(await folderOf(t), 'peer.mjs')
  await writeFile(script, `console.log(JSON.stringify({ workload: 'W2', error: 'no such library' })); process.exit(1)`)
  t.deepEqual(await runPeer({ program: process.execPath, words: [script], named: true }, 'W2', [], 0.5), [])
})

test('a peer that is not there is an error with the commands that set it up', async (t) => {
  const folder = await folderOf(t)
  t.throws(() => peerCommand('torch', undefined, undefined), {
    message: /RNNKIT_PEERS is not set.*pip install torch/s,
  })
  t.throws(() => peerCommand('jax', undefined, folder), {
    message: /no .*venv-jax.*pip install jax.*--python PATH/s,
  })
  t.throws(() => peerCommand('torch', join(folder, 'py'), undefined), { message: /there is no .*py: set it up/ })
  const error = t.throws(() => peerCommand('tfjs', undefined, folder), { message: /npm i @tensorflow\/tfjs/ })
  t.notRegex(error.message, /--python/)
  await mkdir(join(folder, 'js/node_modules'), { recursive: true })
  const { program, words } = peerCommand('tfjs', undefined, folder)
  t.is(program, process.execPath)
  t.deepEqual(words, ['bench/peers/tfjs_bench.mjs', '--modules', join(folder, 'js')])
})

test('every peer names workloads of the list and at least one way to do each', (t) => {
  for (const name of Object.keys(PEER_PROGRAMS) as PeerName[]) {
    const { workloads, sampled, ways } = PEER_PROGRAMS[name]
    for (const id of [...workloads, ...sampled]) t.true(WORKLOADS.has(id), `${name} ${id}`)
    for (const id of workloads) t.true(ways(id, 2).length > 0, `${name} ${id}`)
  }
  // one thread is a way of its own, unless ours has no more
  t.is(PEER_PROGRAMS.torch.ways('W6', 2).length, 2)
  t.is(PEER_PROGRAMS.torch.ways('W6', 1).length, 1)
})
