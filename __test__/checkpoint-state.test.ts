/** What a file says of a training's state is refused unless a training could have written it. */
import test from 'ava'
import { charFromFile, charToFile } from '../ts/char-model/checkpoint.ts'
import { Vocabulary } from '../ts/corpus/vocabulary.ts'
import { RnnKitError } from '../ts/index.ts'
import { recipeOptions } from '../ts/options/training.ts'
import { type Position, startPosition } from '../ts/training/position.ts'
import type { HistoryEntry } from '../ts/training/progress.ts'

const SUMS = { steps: 2, lossSum: 3, nats: 3, count: 20, normSum: 4, clipped: 1 }
const POSITION = { ...startPosition(), epoch: 1, window: 2, steps: 9, totalSteps: 20, sinceEntry: SUMS, inEpoch: SUMS }
const SCORE = { loss: 1, perplexity: 2.7, bitsPerChar: 1.4, symbols: 9 }
const ENTRY = {
  step: 9,
  epoch: 0.5,
  loss: 1,
  perplexity: 2,
  bitsPerChar: 1,
  learningRate: 0.1,
  gradientNorm: 1,
  clipped: 0,
}
const PLATEAU = { rate: 0.001, best: 2, bad: 1, cooldown: 0 }
const STEP_SCHEDULE = { kind: 'constant' }

interface Changes {
  position?: Partial<Position>
  history?: HistoryEntry[]
  schedule?: object
  metadata?: Record<string, string>
}

function restored({ position, history = [ENTRY], schedule = STEP_SCHEDULE, metadata = {} }: Changes) {
  const file = charToFile({
    vocabulary: Vocabulary.build('abc'),
    rules: { lowercase: false, newlines: 'keep' },
    recipe: recipeOptions({ schedule }),
    scheduleLost: false,
    position: { ...POSITION, ...position },
    history,
    digest: undefined,
  })
  return charFromFile({ ...file.metadata, model: '{}', training: '{}', ...metadata }, file.tensors)
}

test('a possible state comes back', (t) => {
  t.deepEqual(restored({}).position, POSITION)
  const plateau = { schedule: PLATEAU, steps: 2 ** 52, totalSteps: Number.MAX_SAFE_INTEGER }
  t.deepEqual(restored({ position: plateau, schedule: { kind: 'reduceOnPlateau' } }).position, {
    ...POSITION,
    ...plateau,
  })
  const runOff = { ...SCORE, loss: Number.NaN, perplexity: Number.POSITIVE_INFINITY }
  const history = [
    { ...ENTRY, perplexity: Number.POSITIVE_INFINITY, validation: runOff },
    { ...ENTRY, test: SCORE },
  ]
  t.deepEqual(restored({ history }).history, history)
})

const bad = (name: keyof typeof SUMS, value: number): Changes => ({ position: { inEpoch: { ...SUMS, [name]: value } } })
const plateau = (change: object): Changes => ({
  position: { schedule: { ...PLATEAU, ...change } },
  schedule: { kind: 'reduceOnPlateau' },
})

/** [what is wrong, code] */
const STATES: [string, Changes, RegExp][] = [
  ['a negative epoch', { position: { epoch: -1 } }, /^training\.position: epoch is -1/],
  ['an epoch beyond what random numbers know', { position: { epoch: 2 ** 32 } }, /epoch is 4294967296/],
  ['a fraction of a window', { position: { window: 1.5 } }, /window is 1\.5/],
  ['a window beyond every text', { position: { window: 2 ** 32 } }, /window is/],
  ['more steps than can be added to', { position: { steps: 2 ** 53 - 1 } }, /steps is/],
  ['planned steps that are no number', { position: { totalSteps: Number.NaN } }, /planned steps is NaN/],
  ['a negative sum', bad('nats', -1), /nats, is -1/],
  ['an endless sum', bad('lossSum', Number.POSITIVE_INFINITY), /lossSum, is Infinity/],
  ['a fraction of a prediction', bad('count', 0.5), /count, is 0\.5/],
  ['a sum over more steps than were done', bad('steps', 10), /more steps/],
  ['more clipped steps than steps', bad('clipped', 3), /more steps/],
  ['a state of another schedule', { position: { schedule: PLATEAU } }, /schedule state is an object/],
  ['a negative rate', plateau({ rate: -1 }), /schedule\.rate/],
  ['an endless best loss', plateau({ best: Number.NEGATIVE_INFINITY }), /schedule\.best/],
  ['a fraction of a bad loss', plateau({ bad: 0.5 }), /schedule\.bad/],
  ['a cool-down that is no number', plateau({ cooldown: Number.NaN }), /schedule\.cooldown/],
  ['a state without its rate', plateau({ rate: Number.NaN }), /a part of the state/],
  ['a fraction of a step in the history', { history: [{ ...ENTRY, step: 0.5 }] }, /^history\.step: it has 0\.5/],
  ['a loss that is no number in the history', { history: [{ ...ENTRY, loss: Number.NaN }] }, /^history\.loss/],
  ['a share of clipped steps above 1', { history: [{ ...ENTRY, clipped: 2 }] }, /^history\.clipped/],
  ['a negative score', { history: [{ ...ENTRY, test: { ...SCORE, loss: -1 } }] }, /^history\.test\.loss/],
  [
    'a score of no symbols',
    { history: [{ ...ENTRY, validation: { ...SCORE, symbols: Number.NaN } }] },
    /^history\.validation\.symbols/,
  ],
  ['a foreign key in the metadata', { metadata: { author: 'x' } }, /^metadata\.author/],
]
for (const [what, changes, message] of STATES) {
  test(`${what} is refused`, (t) => {
    const error = t.throws(() => restored(changes), { instanceOf: RnnKitError })
    t.regex(error.code, /^ERR_CHECKPOINT_/)
    t.regex(error.message, message)
  })
}
