/** Where cargo puts what it builds. */
import { execFileSync } from 'node:child_process'
import { root } from './setup.mjs'

/** The target folder, which the environment or cargo's own configuration may have moved. */
export function targetFolder() {
  const metadata = execFileSync('cargo', ['metadata', '--format-version', '1', '--no-deps'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  return JSON.parse(metadata).target_directory
}
