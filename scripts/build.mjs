/**
 * Builds everything that runs: the native addon to native/, the package to dist/, the `rnnkit` command to dist/cli/, and the runner of
 * the reference cases.
 *
 *   node scripts/build.mjs            all of it
 *   node scripts/build.mjs --native   the addon alone
 *   node scripts/build.mjs --ts       the package and the command alone
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stampBuild } from './build-stamp.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = createRequire(import.meta.url)
/** Folder of the `rnnkit` command. */
const COMMAND = resolve(root, 'ts/cli')

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
  run('package', 'typescript', 'tsc', ['-p', 'tsconfig.json'])
  await buildCommand()
}

/** Bundles the command's modules and its dependency into one file; the rest of the package stays beside it. */
async function buildCommand() {
  if (!existsSync(`${COMMAND}/main.ts`)) return console.log('command: there is no ts/cli/main.ts, nothing to bundle')
  const clock = performance.now()
  const { build } = await import('esbuild')
  const outfile = `${root}dist/cli/main.js`
  // What tsc made of the modules that the bundle holds.
  rmSync(dirname(outfile), { recursive: true, force: true })
  await build({
    entryPoints: [`${COMMAND}/main.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [{ name: 'package', setup: leavePackageOut }],
    logLevel: 'warning',
  })
  const text = readFileSync(outfile, 'utf8')
  if (!text.startsWith('#!')) writeFileSync(outfile, `#!/usr/bin/env node\n${text}`)
  chmodSync(outfile, 0o755)
  report('command', clock)
}

/** The package's modules lie in dist/ as they do in ts/, so an import out of ts/cli/ needs another ending only. */
function leavePackageOut({ onResolve }) {
  onResolve({ filter: /^\.\.\// }, ({ path, importer, resolveDir }) => {
    const file = resolve(resolveDir, path)
    if (importer.includes('node_modules') || file.startsWith(COMMAND + sep)) return undefined
    const outside = relative(COMMAND, file).replaceAll(sep, '/')
    return { path: outside.replace(/\.ts$/, '.js'), external: true }
  })
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
