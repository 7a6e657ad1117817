import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { gpuTest } from './fixtures/gpu.ts'
import { deviceJson, endlessWindows, modelJson, roundText, SETUP } from './fixtures/native-model.ts'

interface End {
  code: number | null
  signal: string | null
  stderr: string
}

function endOf(script: string, args: string[]): Promise<End> {
  const path = fileURLToPath(new URL(`fixtures/${script}`, import.meta.url))
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import=tsx', path, ...args], { timeout: 20_000 }, (_, __, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stderr })
    })
  })
}

const ENDS: Record<string, Pick<End, 'code' | 'signal'>> = {
  'process.exit': { code: 3, signal: null },
  'uncaught error': { code: 1, signal: null },
  'nothing pending': { code: 0, signal: null },
  close: { code: 0, signal: null },
  signal: { code: null, signal: 'SIGTERM' },
}

for (const [way, expected] of Object.entries(ENDS)) {
  test.serial(`a process that trains ends as it should: ${way}`, async (t) => {
    const { code, signal, stderr } = await endOf('exit-while-training.ts', [way, 'reference'])
    t.deepEqual({ code, signal }, expected, stderr)
  })
  gpuTest(`a process that trains on a GPU ends as it should: ${way}`, async (t) => {
    const { code, signal, stderr } = await endOf('exit-while-training.ts', [way, 'gpu'])
    t.deepEqual({ code, signal }, expected, stderr)
  })
}

for (const listing of ['process.exit', 'terminate']) {
  test.serial(`a process that lists its devices ends as it should: ${listing}`, async (t) => {
    const { code, signal, stderr } = await endOf('exit-while-listing.mjs', [listing])
    t.deepEqual({ code, signal }, { code: 3, signal: null }, stderr)
  })
}

async function terminateWhileTraining(device = 'reference'): Promise<number> {
  const given = { model: modelJson(), device: deviceJson(device), setup: SETUP }
  const workerData = { ...given, text: roundText(20_100), request: endlessWindows(0) }
  const worker = new Worker(new URL('fixtures/worker-training.mjs', import.meta.url), { workerData, execArgv: [] })
  await once(worker, 'message')
  return worker.terminate()
}

test.serial('workers that train are terminated one after the other', async (t) => {
  for (let round = 0; round < 5; round += 1) t.is(await terminateWhileTraining(), 1)
})

test.serial('workers that train are terminated at once', async (t) => {
  t.deepEqual(await Promise.all(Array.from({ length: 6 }, () => terminateWhileTraining())), new Array(6).fill(1))
})

gpuTest('workers that train on a GPU are terminated', async (t) => {
  for (let round = 0; round < 3; round += 1) t.is(await terminateWhileTraining('gpu'), 1)
})
