/** Paths that no model can be saved to are told before the training. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { checkOut } from '../ts/cli/check-out.ts'

test('a path is refused where no file can be, and the asking leaves nothing behind', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rnnkit-out-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'folder'))
  await writeFile(join(folder, 'file'), 'old')
  await symlink(join(folder, 'none', 'file'), join(folder, 'dangling'))
  await symlink(join(folder, 'circle'), join(folder, 'circle'))
  await symlink(join(folder, 'new'), join(folder, 'link'))
  const before = await readdir(folder)
  const refused = ['folder', 'folder/', 'none/file', 'file/below', 'dangling', 'circle', 'n'.repeat(256)]
  for (const name of refused) {
    await t.throwsAsync(checkOut(join(folder, name)), { code: 'ERR_CHECKPOINT_WRITE' }, name)
  }
  await t.throwsAsync(checkOut(`${folder}/folder/`), { message: /it names a folder/ })
  if (process.platform !== 'win32') await t.throwsAsync(checkOut('/dev/null'), { message: /no regular file/ })
  for (const name of ['file', 'new', 'link']) await t.notThrowsAsync(checkOut(join(folder, name)), name)
  t.deepEqual(await readdir(folder), before)
})
