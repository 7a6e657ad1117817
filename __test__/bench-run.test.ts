/** The bench as it is run: compiled, in processes of its own, on small models. Needs the built addon and package. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Runs `npm run bench` with those words. */
function bench(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['bench/run.mjs', ...words], { cwd: ROOT })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })))
}

const linesOf = (out: string) => out.trim().split('\n')

test.serial('workloads of symbols and of numbers, and sampling, print the fields that all peers share', async (t) => {
  const { code, out, err } = await bench('W6', 'W4', 'sample', '--quick', '--seconds', '0.05', '--json')
  t.is(code, 0, err)
  const [w6, w4, ...samples] = linesOf(out).map((line) => JSON.parse(line))
  t.like(w6, { peer: 'rnnkit', workload: 'W6', threads: 2, idiom: 'one-hot', timing: 'window', quick: true })
  t.like(w4, { peer: 'rnnkit', workload: 'W4', idiom: 'numbers', timing: 'window' })
  for (const line of [w6, w4]) {
    const numbers = ['tokens_per_s', 'step_ms_median', 'wall_ms_per_step', 'rss_mb', 'first_step_s', 'gflops', 'steps']
    for (const name of numbers) t.true(line[name] > 0, `${name} ${line[name]}`)
  }
  t.deepEqual(
    samples.map(({ workload, native_calls }) => [workload, Math.round(native_calls)]),
    // begin, feed, one call of few symbols, end
    [
      ['sample W2', 4],
      ['sample W3', 4],
    ],
  )
})

test.serial('a table has a row for each workload', async (t) => {
  const { code, out } = await bench('W9', '--quick', '--seconds', '0.05')
  t.is(code, 0)
  const [title, row, ...others] = out.trimEnd().split('\n')
  t.regex(title!, /tokens\/s +step ms +wall ms/)
  t.regex(row!, /^ +W9 /)
  t.is(row!.length, title!.length)
  t.deepEqual(others, [])
})

test.serial('a mistyped word ends the bench before anything is measured', async (t) => {
  const { code, out, err } = await bench('W6', '--vs', 'keras')
  t.is(code, 2)
  t.is(out, '')
  t.regex(err, /^bench: --vs must be torch/)
})

test.serial('the start of a process that steps takes longer than one that does nothing', async (t) => {
  const { code, out, err } = await bench('start', '--rounds', '10', '--json')
  t.is(code, 0, err)
  const { node_ms, first_step_ms, above_ms, load_ms, train_ms } = JSON.parse(out)
  t.true(load_ms > 0 && train_ms > 0 && load_ms + train_ms < first_step_ms)
  t.is(above_ms, first_step_ms - node_ms)
})
