import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { MAX_LAYERS, MAX_SAMPLED, MAX_SIZE, MAX_VOCABULARY } from '../ts/limits.ts'
import { GATES } from '../ts/model/spec.ts'

const CRATES = join(import.meta.dirname, '../crates')

/** The value of `const NAME: type = value;`, a whole number or a shifted one. */
function rustConstant(path: string, name: string): number {
  const source = readFileSync(join(CRATES, path), 'utf8')
  const value = new RegExp(`const ${name}: \\w+ = ([\\d_]+)(?: << (\\d+))?;`).exec(source)
  if (value === null) throw new Error(`${path} has no constant ${name}`)
  return Number(value[1]!.replaceAll('_', '')) * 2 ** Number(value[2] ?? 0)
}

test('the limits are those of the engine', (t) => {
  t.is(MAX_SIZE, rustConstant('rnnkit-core/src/spec.rs', 'MAX_SIZE'))
  t.is(MAX_LAYERS, rustConstant('rnnkit-core/src/spec.rs', 'MAX_LAYERS'))
  t.is(MAX_VOCABULARY, rustConstant('rnnkit-core/src/spec.rs', 'MAX_VOCABULARY'))
  t.is(MAX_SAMPLED, rustConstant('rnnkit-node/src/requests.rs', 'MAX_SYMBOLS'))
})

test('the cells have as many gates as in the engine', (t) => {
  const inEngine = (file: string) => rustConstant(`rnnkit-core/src/cell/${file}.rs`, 'GATES')
  const elman = inEngine('elman')
  const elmans = { elmanTanh: elman, elmanRelu: elman, elmanTanhSeparate: elman, elmanReluSeparate: elman }
  t.deepEqual(GATES, { ...elmans, gru: inEngine('gru'), lstm: inEngine('lstm') })
})
