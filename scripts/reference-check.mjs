/**
 * `node scripts/reference-check.mjs DEVICE`: the reference cases as a test. All must pass but those of parts that are not built yet, whose
 * names begin as __test__/reference/not-yet.json says; of those all must fail, so that the list shrinks as the parts come.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { runAndRead } from './run.mjs'
import { root } from './setup.mjs'

const folder = join(root, '__test__/reference')
const [device = 'cpu'] = process.argv.slice(2)
const door = ['--import=tsx', 'scripts/reference/main.ts', '--device', device]

const { code, output } = await runAndRead(process.execPath, door, { cwd: root, shell: false })
const names = readdirSync(join(folder, 'cases'))
  .filter((file) => file.endsWith('.safetensors'))
  .map((file) => file.replace(/\.safetensors$/, ''))
const failing = failingCases(stripVTControlCharacters(output), names)
report(names, failing)

/** The door prints `case: what is wrong` for each failure, then the tally, which must agree. */
function failingCases(text, names) {
  const known = new Set(names)
  const begun = [...text.matchAll(/^([^:\s]+): /gm)].map(([, name]) => name)
  const failing = new Set(begun.filter((name) => known.has(name)))
  const tally = /^(\d+) passed, (\d+) failed$/m.exec(text)
  if (tally === null || Number(tally[1]) !== names.length - failing.size || Number(tally[2]) !== failing.size) {
    console.error(`the reference door ended with exit code ${code}, and its tally does not agree with what it printed`)
    process.exit(2)
  }
  return failing
}

function report(names, failing) {
  const prefixes = JSON.parse(readFileSync(join(folder, 'not-yet.json'), 'utf8'))
  const isNotYet = (name) => prefixes.some((prefix) => name.startsWith(prefix))
  const broken = names.filter((name) => failing.has(name) && !isNotYet(name))
  const early = names.filter((name) => !failing.has(name) && isNotYet(name))
  for (const name of broken) console.log(`failed: ${name}`)
  for (const name of early) console.log(`failed: ${name} passes, but __test__/reference/not-yet.json still lists it`)
  const failed = broken.length + early.length
  const notYet = [...failing].filter(isNotYet).length
  console.log(`${device}: ${names.length - failed - notYet} passed, ${failed} failed, ${notYet} not there yet`)
  process.exitCode = failed > 0 ? 1 : 0
}
