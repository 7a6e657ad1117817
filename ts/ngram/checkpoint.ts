/** An n-gram model as metadata and tensors of a file, and back with everything checked. */
import {
  checkKeys,
  FoundTensors,
  fileTensor,
  readOptions,
  refuseHeader,
  refuseTensor,
  type TensorRule,
} from '../model/model-file.ts'
import {
  foundVocabulary,
  readTextOptions,
  TEXT_KEYS,
  textOptions,
  VOCABULARY_TENSORS,
  vocabularyTensors,
} from '../model/text-file.ts'
import type { FileTensor } from '../native/engine-session.ts'
import { record } from '../options/check.ts'
import { MAX_ORDER, orderOption, smoothingOption } from '../options/ngram.ts'
import { checkLevels } from './check-levels.ts'
import { type GramLevel, GramTable } from './gram-table.ts'
import type { NgramParts, Score } from './parts.ts'

const KIND = 'ngram-model'
/** Keys of the metadata beside the kind; the last is the engine's. */
const METADATA: readonly string[] = ['options', 'model']
/** [4] Nats and symbols of the validation's score, then of the test's; 0 symbols = none. */
const SCORES = 'scores'
const COLUMNS = ['symbols', 'sums', 'extensions'] as const

/** The tensors that a file may hold beside the engine's; which it must, `order` says. */
export const NGRAM_TENSORS: readonly TensorRule[] = [
  ...VOCABULARY_TENSORS,
  { name: SCORES, dtype: 'F64', rank: 1, optional: false },
  ...Array.from({ length: MAX_ORDER }, (_, i) =>
    COLUMNS.map((column) => ({ name: levelName(i + 1, column), dtype: 'U32' as const, rank: 1, optional: true })),
  ).flat(),
]

/** @param n length of the n-grams */
function levelName(n: number, column: (typeof COLUMNS)[number]): string {
  return `grams.${n}.${column}`
}

export function ngramToFile(parts: NgramParts): { metadata: Record<string, string>; tensors: FileTensor[] } {
  const { grams, smoothing, vocabulary, rules, scores } = parts
  const options = { ...textOptions(vocabulary, rules), order: grams.order, smoothing }
  const numbers = [scores.validation, scores.test].flatMap((score) => [score?.nats ?? 0, score?.count ?? 0])
  const tensors = [
    ...vocabularyTensors(vocabulary),
    fileTensor(SCORES, 'F64', Float64Array.from(numbers)),
    ...grams.levels.flatMap((level, i) =>
      COLUMNS.flatMap((column) => {
        const values = level[column]
        return values === undefined ? [] : [fileTensor(levelName(i + 1, column), 'U32', values)]
      }),
    ),
  ]
  return { metadata: { kind: KIND, options: JSON.stringify(options) }, tensors }
}

/** @throws ERR_CHECKPOINT_HEADER, ERR_CHECKPOINT_VOCABULARY, ERR_CHECKPOINT_TENSOR */
export function ngramFromFile(
  metadata: Record<string, string>,
  tensors: readonly { readonly name: string; readonly data: Uint8Array }[],
): NgramParts {
  checkKeys(metadata, KIND, METADATA)
  const options = readOptions(metadata, (value) => {
    const given = record('', value, [...TEXT_KEYS, 'order', 'smoothing'])
    return { ...readTextOptions(given), order: orderOption(given.order), smoothing: smoothingOption(given.smoothing) }
  })
  const found = new FoundTensors(tensors)
  const vocabulary = foundVocabulary(found, options)
  const levels = Array.from({ length: options.order }, (_, i) => readLevel(found, i + 1, options.order))
  const beyond = NGRAM_TENSORS.find(({ name }) => found.has(name) && name.startsWith(`grams.${options.order + 1}.`))
  if (beyond !== undefined) refuseHeader('options', `order is ${options.order}, but the file has ${beyond.name}`)
  checkLevels(levels, vocabulary.size, (n, column, problem) => refuseTensor(levelName(n, column), problem))
  return {
    smoothing: options.smoothing,
    size: vocabulary.size,
    grams: new GramTable(levels),
    vocabulary,
    rules: options.rules,
    scores: readScores(new Float64Array(found.buffer(SCORES))),
  }
}

function readLevel(found: FoundTensors, n: number, order: number): GramLevel {
  const column = (name: (typeof COLUMNS)[number]) => new Uint32Array(found.buffer(levelName(n, name)))
  const extensions = n < order ? column('extensions') : undefined
  return { symbols: column('symbols'), sums: column('sums'), extensions }
}

function readScores(numbers: Float64Array): NgramParts['scores'] {
  if (numbers.length !== 4) refuseTensor(SCORES, `it has ${numbers.length} numbers: it must have 4`)
  const score = (at: number): Score | undefined => {
    const [nats, count] = [numbers[at]!, numbers[at + 1]!]
    const possible = Number.isSafeInteger(count) && count >= 0 && nats >= 0 && (count > 0 || nats === 0)
    if (!possible) refuseTensor(SCORES, `it has ${nats} nats of ${count} symbols`)
    return count === 0 ? undefined : { nats, count }
  }
  return { validation: score(0), test: score(2) }
}
