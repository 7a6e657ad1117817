import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'ava'

const ROOT = join(import.meta.dirname, '../ts')

/** Every module, with the modules of this package that it imports; types count. */
function importsOf(root: string): Map<string, string[]> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return new Map(
    files.map((file) => {
      const source = readFileSync(join(root, file), 'utf8')
      const paths = [...source.matchAll(/^(?:import|export|\}) .*from '(\.[^']+\.ts)'$/gm)].map(([, path]) => path!)
      return [file, paths.map((path) => relative(root, join(root, dirname(file), path)))]
    }),
  )
}

test('options and training import nothing of the model of text', (t) => {
  const imports = [...importsOf(ROOT)].filter(([file]) => /^(options|training)\W/.test(file))
  t.deepEqual(
    imports.filter(([, paths]) => paths.some((path) => path.startsWith('char-model'))),
    [],
  )
})

test('no two modules import each other', (t) => {
  const imports = importsOf(ROOT)
  t.true(imports.get('index.ts')!.includes(join('char-model', 'char-model.ts')))
  const pairs = [...imports].flatMap(([file, paths]) =>
    paths.filter((path) => file < path && imports.get(path)!.includes(file)).map((path) => `${file} ${path}`),
  )
  t.deepEqual(pairs, [])
})
