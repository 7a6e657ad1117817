/** What the command line makes of words, before anything is trained. */
import test from 'ava'
import { type Command, parseCommandLine } from '../ts/cli/command-line.ts'
import { UsageError } from '../ts/cli/report-error.ts'

const COMMANDS: readonly Command[] = [
  {
    usage: 'paint <wall> <...colours>',
    description: 'Paint a wall',
    flags: [
      { name: 'coat-count', alias: 'c', value: 'n', description: 'Coats' },
      { name: 'motto', value: 'text', description: 'Words to paint' },
      { name: 'dry', description: 'Let it dry' },
    ],
    examples: [],
    run: async () => {},
  },
  { usage: 'wash <wall>', description: 'Wash a wall', flags: [], examples: [], run: async () => {} },
]

const parse = (...words: string[]) => parseCommandLine(words, COMMANDS, '1.0.0')!

test('arguments and flags may stand in any order', (t) => {
  const call = parse('--coat-count', '2', 'paint', 'north', '--dry', 'red', 'blue')
  t.is(call.command, COMMANDS[0]!)
  t.deepEqual(call.arguments, ['north', 'red', 'blue'])
  t.is(call.flags.number('coat-count'), 2)
  t.true(call.flags.has('dry'))
  t.is(call.flags.text('motto'), undefined)
})

for (const motto of ['007', '', ' ', '\n', '-1', '--dry', 'a=b', 'true']) {
  test(`the value ${JSON.stringify(motto)} stays as typed`, (t) => {
    t.is(parse('paint', 'north', 'red', '--motto', motto).flags.text('motto'), motto)
    t.is(parse('paint', 'north', 'red', `--motto=${motto}`).flags.text('motto'), motto)
  })
}

test('a letter stands for its flag', (t) => {
  t.is(parse('paint', 'north', 'red', '-c', '3').flags.number('coat-count'), 3)
})

test('words after two dashes are arguments', (t) => {
  t.deepEqual(parse('wash', '--', '--north').arguments, ['--north'])
})

const MISTAKES: [words: string[], message: RegExp][] = [
  [[], /say what to do: paint, wash/],
  [['pant', 'north'], /unknown command "pant": did you mean paint\?/],
  [['paint', 'north'], /paint needs <\.\.\.colours>/],
  [['wash', 'north', 'south'], /wash does not take "south"/],
  [['wash', 'north', '--soap'], /wash has no option --soap/],
  [['paint', 'north', 'red', '--coat-cuont', '2'], /did you mean --coat-count\?/],
  [['paint', 'north', 'red', '--motto'], /--motto needs a value: --motto <text>/],
  [['paint', 'north', 'red', '--no-dry'], /paint has no option --no-dry/],
  [['paint', 'north', 'red', '--no-soap'], /paint has no option --no-soap/],
  [['paint', 'north', 'red', '--dry=yes'], /--dry takes no value/],
]
for (const [words, message] of MISTAKES) {
  test(`rnnkit ${words.join(' ')} is refused with ${message.source}`, (t) => {
    t.throws(() => parse(...words), { instanceOf: UsageError, message })
  })
}

test('a flag given twice is refused when it is read', (t) => {
  const { flags } = parse('paint', 'north', 'red', '-c', '1', '-c', '2')
  t.throws(() => flags.number('coat-count'), {
    instanceOf: UsageError,
    message: /--coat-count is given more than once/,
  })
})

for (const value of ['many', '', '0x', 'Infinity', 'NaN']) {
  test(`${JSON.stringify(value)} is no number`, (t) => {
    const { flags } = parse('paint', 'north', 'red', '--coat-count', value)
    t.throws(() => flags.number('coat-count'), { instanceOf: UsageError, message: /must be a number/ })
  })
}
