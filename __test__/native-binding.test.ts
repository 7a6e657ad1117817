import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'

/** Imports the binding of a package that lies elsewhere, with that addon or none. */
async function importWith(t: ExecutionContext, addon?: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const file of ['ts/native/binding.ts', 'ts/errors.ts']) {
    await cp(fileURLToPath(new URL(`../${file}`, import.meta.url)), join(folder, file))
  }
  const imports = { '#native': './native/index.cjs', '#package': './package.json' }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', version: '2.0.0', imports }))
  await mkdir(join(folder, 'native'))
  if (addon !== undefined) await writeFile(join(folder, 'native/index.cjs'), addon)
  return import(pathToFileURL(join(folder, 'ts/native/binding.ts')).href)
}

test('a missing addon is an error that names the platform and the remedy', async (t) => {
  const failing = "throw new Error('Cannot find native binding.')"
  for (const addon of [undefined, failing]) {
    const error = await t.throwsAsync(importWith(t, addon), { code: 'ERR_NATIVE_MISSING' })
    t.true(error.message.includes(`${process.platform}-${process.arch}`), error.message)
    t.true(error.message.includes('npm run build'), error.message)
  }
})

test('an addon of another version than the package is refused', async (t) => {
  const error = await t.throwsAsync(importWith(t, "exports.version = () => '1.0.0'"), { code: 'ERR_NATIVE_VERSION' })
  t.regex(error.message, /version 1\.0\.0 and the package 2\.0\.0/)
})

test('an addon of the same version is taken', async (t) => {
  await t.notThrowsAsync(importWith(t, "exports.version = () => '2.0.0'"))
})
