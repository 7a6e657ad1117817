import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

const FOLDER = join(import.meta.dirname, '../ts/options')
/** `name?: type`, but for internal shapes whose values are not checked yet and for what must be left out. */
const OPTIONAL = /^\s+(\w+)\?: (?!unknown|never|undefined)/

/** Optional properties without a `@default` in the comment right before them. */
function undocumented(source: string): string[] {
  const lines = source.split('\n')
  return lines.flatMap((line, i) => {
    const name = OPTIONAL.exec(line)?.[1]
    if (name === undefined) return []
    const begin = lines.slice(0, i).findLastIndex((before) => before.includes('/**'))
    const comment = lines.slice(begin, i).join('\n')
    const isRightBefore = begin !== -1 && comment.trimEnd().endsWith('*/')
    return isRightBefore && comment.includes('@default') ? [] : [name]
  })
}

test('every option that may be left out has a @default', (t) => {
  t.deepEqual(undocumented('  /** @default 1 */\n  a?: number\n  /** None. */\n  b?: number\n  c?: number'), ['b', 'c'])
  // What check.ts describes are ranges, not options.
  for (const file of readdirSync(FOLDER).filter((name) => name !== 'check.ts')) {
    t.deepEqual(undocumented(readFileSync(join(FOLDER, file), 'utf8')), [], file)
  }
})
