/** What the GPU bench runs, in which order, and that it keeps to its time. */
import test from 'ava'
import { adapterNamed } from '../bench/adapters.ts'
import { Deadline } from '../bench/gpu/deadline.ts'
import { plannedRuns } from '../bench/gpu/plan.ts'
import { runProgram } from '../bench/run-program.ts'
import { shrunken, WORKLOADS } from '../bench/workloads/list.ts'

test('every workload runs in both precisions, the telling ones in both forms', (t) => {
  const runs = plannedRuns('gpu')
  for (const precision of ['f32', 'f16'] as const) {
    const forms = (id: string) =>
      runs.filter((run) => run.id === id && run.precision === precision).map((run) => run.form)
    for (const id of WORKLOADS.keys()) {
      const both = ['W2', 'W3', 'W6', 'W7', 'W8'].includes(id)
      t.deepEqual(forms(id), both ? ['resident', 'step'] : [null], id)
    }
  }
  t.is(new Set(runs.map((run) => JSON.stringify(run))).size, runs.length)
})

test('the CPU, to try it, has neither forms nor precisions', (t) => {
  t.deepEqual(
    plannedRuns('cpu').map(({ id }) => id),
    [...WORKLOADS.keys()],
  )
})

test('a shrunken workload is the same model, smaller', (t) => {
  const { hidden, T, B, ...same } = WORKLOADS.get('W8')!
  const small = shrunken(WORKLOADS.get('W8')!)
  t.deepEqual(small, { ...same, hidden: hidden / 16, T: T / 8, B: B / 8 })
  t.is(shrunken(WORKLOADS.get('W9')!).T, 4)
})

test('no run is given more time than is left, less what is reserved', (t) => {
  let now = 1_000_000
  const deadline = new Deadline(2, () => now)
  t.is(deadline.seconds(30, 60), 30)
  now += 50_000
  t.is(deadline.seconds(30, 60), 10)
  t.is(deadline.seconds(100, 0), 70)
  now += 20_000
  t.is(deadline.seconds(30, 60), 0)
})

test('a program that takes too long is ended, one that is not there is told, and neither keeps the process waiting', async (t) => {
  const began = performance.now()
  const endless = await runProgram(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], 1)
  t.deepEqual(endless, { code: null, stdout: '1\n', tookTooLong: true })
  t.deepEqual(await runProgram('no-such-program', [], 60), { code: null, stdout: '', tookTooLong: false })
  t.deepEqual(await runProgram(process.execPath, ['-e', 'process.exit(3)'], 60), {
    code: 3,
    stdout: '',
    tookTooLong: false,
  })
  t.true(performance.now() - began < 30_000)
})

test('results carry the adapter that the description names, not one whose name is a part of it', (t) => {
  const adapters = [
    { name: 'NVIDIA H200', driver: 'NVIDIA 595' },
    { name: 'NVIDIA H200 NVL', driver: 'NVIDIA 596' },
  ]
  const driver = (description: string) => adapterNamed(description, adapters)?.driver
  t.is(driver('gpu, NVIDIA H200 NVL, vulkan'), 'NVIDIA 596')
  t.is(driver('gpu, NVIDIA H200, vulkan'), 'NVIDIA 595')
  t.is(driver('cpu, avx2, 2 threads'), undefined)
})
