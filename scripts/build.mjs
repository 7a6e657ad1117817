/**
 * Builds everything that runs: the native addon to native/, the package to dist/, the `rnnkit` command to dist/cli/, and the runner of
 * the reference cases.
 *
 *   node scripts/build.mjs            all of it
 *   node scripts/build.mjs --native   the addon alone
 *   node scripts/build.mjs --ts       the package and the command alone
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stampBuild } from './build-stamp.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = createRequire(import.meta.url)

const parts = { native: buildNative, ts: buildTs }
const flags = process.argv.slice(2)
const unknown = flags.find((flag) => !Object.keys(parts).includes(flag.slice(2)) || !flag.startsWith('--'))
if (unknown !== undefined) fail(`unknown argument ${unknown}: expected --native, --ts or nothing`)
for (const [name, build] of Object.entries(parts)) {
  if (flags.length === 0 || flags.includes(`--${name}`)) await build()
}
if (flags.length === 0) stampBuild()

/** Cargo finds out what is out of date, so this is short when nothing is. */
function buildNative() {
  if (spawnSync('cargo', ['--version']).error) {
    fail('the native addon needs Rust, and there is no cargo: install a stable Rust toolchain')
  }
  const manifest = ['--manifest-path', 'crates/rnnkit-node/Cargo.toml']
  const output = ['--output-dir', 'native', '--js', 'index.cjs', '--dts', 'index.d.cts']
  run('native addon', '@napi-rs/cli', 'napi', ['build', '--platform', '--release', ...manifest, ...output])
  const clock = performance.now()
  const runner = ['build', '--release', '--quiet', '-p', 'rnnkit-backend-tests', '--bin', 'reference-runner']
  if (spawnSync('cargo', runner, { cwd: root, stdio: 'inherit' }).status !== 0) fail('reference runner: cargo failed')
  report('reference runner', clock)
}

async function buildTs() {
  rmSync(`${root}dist`, { recursive: true, force: true })
  run('types', 'typescript', 'tsc', ['-p', 'tsconfig.json'])
  await bundleTs()
}

/** Joins the modules into a few files: Node takes three times as long to load a hundred and fifty. What both entries use stands once. */
async function bundleTs() {
  const clock = performance.now()
  const { build } = await import('esbuild')
  await build({
    absWorkingDir: root,
    entryPoints: { index: 'ts/index.ts', 'cli/main': 'ts/cli/main.ts' },
    outdir: 'dist',
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    external: ['#native', '#package'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
  chmodSync(`${root}dist/cli/main.js`, 0o755)
  report('package and command', clock)
}

/** Runs a package's command with this Node, and ends with its status if it fails. */
function run(what, packageName, command, args) {
  const clock = performance.now()
  const manifest = packages.resolve(`${packageName}/package.json`)
  const script = resolve(dirname(manifest), packages(manifest).bin[command])
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) fail(`${what}: ${command} failed`, status ?? 1)
  report(what, clock)
}

function report(what, clock) {
  console.log(`${what}: ${((performance.now() - clock) / 1000).toFixed(1)} s`)
}

function fail(message, status = 1) {
  console.error(message)
  process.exit(status)
}
