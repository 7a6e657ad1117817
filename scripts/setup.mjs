/** What a fresh clone needs before anything else: the locked dependencies, then the build; each only when it is out of date. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isBuilt } from './build-stamp.mjs'
import { run } from './run.mjs'

/** What is set up is no result: stdout stays free for those. */
const TO_STDERR = ['inherit', process.stderr, 'inherit']

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Installs and builds what is missing or out of date. Throws when a command fails. */
export async function setUp() {
  await install()
  await build()
}

export async function install() {
  if (isInstalled()) return
  console.error('Installing the development dependencies …')
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund'], { cwd: root, stdio: TO_STDERR })
}

export async function build() {
  if (isBuilt()) return
  console.error('Building the addon and the package (the first time takes some minutes) …')
  await run(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: TO_STDERR })
}

/** Whether node_modules holds what the lock file asks for. npm leaves its own list there; packages for other platforms are not in it. */
function isInstalled() {
  const installed = readIfThere(join(root, 'node_modules/.package-lock.json'))
  if (installed === undefined) return false
  const there = JSON.parse(installed).packages
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || (path in there ? there[path].version === entry.version : entry.optional === true),
  )
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
