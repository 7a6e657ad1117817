/**
 * `node scripts/reference-check.mjs DEVICE`: the reference cases as a test. All must pass.
 *
 * Without a GPU adapter `gpu` is skipped, unless RNNKIT_REQUIRE_GPU=1 makes that a failure.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { judge, readDoor } from './reference-tally.mjs'
import { runAndRead } from './run.mjs'
import { root } from './setup.mjs'

/** How many times its tolerance a case may be off: a GPU's exp and its order of sums are others. */
const TOLERANCES = { gpu: 10 }
/** Exit status of the door where the device is not there. */
const UNAVAILABLE = 3

const [device = 'cpu'] = process.argv.slice(2)
const names = readdirSync(join(root, '__test__/reference/cases'))
  .filter((file) => file.endsWith('.safetensors'))
  .map((file) => file.replace(/\.safetensors$/, ''))
const door = ['--import=tsx', 'scripts/reference/main.ts', '--device', device]
if (device in TOLERANCES) door.push('--tolerance', String(TOLERANCES[device]))

const { code, output } = await runAndRead(process.execPath, door, { cwd: root, shell: false })
if (device === 'gpu' && code === UNAVAILABLE) reportMissingGpu()
else report(readDoor(output, names))

function reportMissingGpu() {
  const required = process.env.RNNKIT_REQUIRE_GPU === '1'
  if (required) console.log('failed: RNNKIT_REQUIRE_GPU=1, but there is no GPU adapter')
  else console.log('skipped: no GPU adapter (RNNKIT_REQUIRE_GPU=1 makes this a failure)')
  console.log(`${device}: 0 passed, ${required ? 1 : 0} failed, ${required ? 0 : names.length} skipped`)
  process.exitCode = required ? 1 : 0
}

function report(found) {
  if (found === undefined) {
    console.error(`the reference door ended with exit code ${code}, and its tally does not agree with what it printed`)
    process.exit(2)
  }
  const { passed, failed, problems } = judge(names, found)
  for (const problem of problems) console.log(`failed: ${problem}`)
  console.log(`${device}: ${passed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed > 0 ? 1 : 0
}
