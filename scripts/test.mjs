/**
 * `npm test [-- step …]`: sets everything up, runs every check to the end, and prints how many tests ran; steps can be picked by name.
 * Tests of the GPU are skipped where there is no adapter, and said to be; RNNKIT_REQUIRE_GPU=1 makes them fail there.
 */
import { countTests, skipReasons } from './count-tests.mjs'
import { runAndRead } from './run.mjs'
import { build, install, root } from './setup.mjs'

const node = process.execPath

/** `counts` says whose report to read; a step without it is one check that passes or fails. */
const STEPS = [
  { name: 'format', command: ['cargo', 'fmt', '--all', '--check'] },
  { name: 'clippy', command: ['cargo', 'clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings'] },
  { name: 'rustdoc', command: ['cargo', 'doc', '--workspace', '--no-deps', '--locked', '--quiet'] },
  { name: 'biome', command: [node, 'node_modules/@biomejs/biome/bin/biome', 'ci', '.'] },
  { name: 'types', command: [node, 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.check.json'] },
  { name: 'cargo', command: ['cargo', 'test', '--workspace', '--locked', '--no-fail-fast'], counts: 'cargo' },
  { name: 'ava', command: [node, 'node_modules/ava/entrypoints/cli.mjs'], counts: 'ava' },
  { name: 'reference-cpu', command: [node, 'scripts/reference-check.mjs', 'cpu'], counts: 'reference' },
  { name: 'reference', command: [node, 'scripts/reference-check.mjs', 'reference'], counts: 'reference' },
  { name: 'reference-gpu', command: [node, 'scripts/reference-check.mjs', 'gpu'], counts: 'reference' },
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name))
if (unknown.length > 0) {
  console.error(`no step is called ${unknown.join(', ')}: there are ${STEPS.map((step) => step.name).join(', ')}`)
  process.exit(2)
}

const results = [await timed('set-up', setUpCheck)]
for (const step of STEPS) {
  if (wanted.length > 0 && !wanted.includes(step.name)) continue
  console.log(`\n=== ${step.name}: ${step.command.join(' ').replaceAll(node, 'node')}`)
  results.push(await timed(step.name, () => runStep(step)))
}
printTable(results)
process.exitCode = results.some((result) => result.failed > 0) ? 1 : 0

async function setUpCheck() {
  try {
    await install()
    await build()
    return { passed: 1, failed: 0, ignored: 0 }
  } catch (error) {
    console.error(error.message)
    return { passed: 0, failed: 1, ignored: 0 }
  }
}

async function runStep({ command: [program, ...args], counts }) {
  const { code, output } = await runAndRead(program, args, { cwd: root, shell: false })
  const check = { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, ignored: 0 }
  if (counts === undefined) return check
  const tests = { ...countTests[counts](output), skipped: skipReasons(output) }
  // A step that failed without a failed test did not compile, crashed, or ran nothing at all without a reason.
  const ran = tests.passed + tests.failed > 0 || tests.skipped.length > 0
  return tests.failed > 0 || (code === 0 && ran) ? tests : { ...tests, failed: tests.failed + 1 }
}

async function timed(name, work) {
  const start = performance.now()
  const result = await work()
  return { name, seconds: (performance.now() - start) / 1000, ...result }
}

function printTable(rows) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const all = {
    name: 'all',
    passed: sum('passed'),
    failed: sum('failed'),
    ignored: sum('ignored'),
    seconds: sum('seconds'),
  }
  const titles = { name: 'step', passed: 'passed', failed: 'failed', ignored: 'ignored', seconds: 'seconds' }
  console.log('')
  for (const { name, passed, failed, ignored, seconds } of [titles, ...rows, all]) {
    const shownSeconds = typeof seconds === 'number' ? seconds.toFixed(1) : seconds
    const numbers = [passed, failed, ignored, shownSeconds].map((value) => String(value).padStart(9))
    console.log(name.padEnd(15) + numbers.join(''))
  }
  for (const { name, skipped = [] } of rows) for (const reason of skipped) console.log(`${name}: skipped, ${reason}`)
  console.log(`\n${all.passed} passed, ${all.failed} failed`)
}
