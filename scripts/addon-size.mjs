/**
 * `node scripts/addon-size.mjs`: builds the addon without and with its GPU backend, and prints how large each is, as a file and as npm
 * packs it. Exit status 1: with the GPU it is larger than it should be.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { root } from './setup.mjs'

/** What an install may cost, in bytes. */
const AIM = 15e6

/** The one with the GPU last, so that it is what lies in the target folder afterwards. */
const sizes = [measure('without the GPU', ['--no-default-features']), measure('with the GPU', [])]
for (const { what, bytes, packed } of sizes) console.log(`${what}: ${inMB(bytes)}, packed ${inMB(packed)}`)
const withGpu = sizes.at(-1)
if (withGpu.bytes > AIM) {
  console.error(`the addon is larger than the ${inMB(AIM)} that it should be`)
  process.exitCode = 1
}

function measure(what, features) {
  const file = readFileSync(build(features))
  return { what, bytes: file.length, packed: gzipSync(file).length }
}

/** Builds the addon as a release, and gives back its path. */
function build(features) {
  const words = ['build', '--release', '--locked', '-p', 'rnnkit-node', '--message-format', 'json-render-diagnostics']
  const output = execFileSync('cargo', [...words, ...features], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const messages = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  const addon = messages.find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'rnnkit_node')
  return addon.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))
}

function inMB(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`
}
