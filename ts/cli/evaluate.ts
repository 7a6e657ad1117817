/** `rnnkit evaluate`: how well a saved model predicts a text. */
import { readCorpus } from '../corpus/read-corpus.ts'
import { defined } from '../defined.ts'
import { CharModel, isRnnKitError, RnnKitError } from '../index.ts'
import { corpusOptions } from '../options/corpus.ts'
import type { Call, Command } from './command-line.ts'
import { DEVICE_FLAGS, deviceOptions } from './device-flags.ts'
import { symbolWord } from './progress-line.ts'

export const evaluate: Command = {
  usage: 'evaluate <model> <...files>',
  description: 'Say how well a saved model predicts text files, joined in the order given',
  flags: [
    { name: 'json', description: 'Print one line of JSON' },
    { name: 'invalid', value: 'how', description: 'error, or replace: bytes that are not UTF-8 become U+FFFD' },
    ...DEVICE_FLAGS,
  ],
  examples: ['evaluate book.safetensors other-book.txt'],
  run: runEvaluate,
}

async function runEvaluate({ arguments: [file = '', ...files], flags, signal }: Call): Promise<void> {
  using model = await CharModel.load(file, deviceOptions(flags))
  const corpus = corpusOptions('corpus', defined({ files, invalid: flags.text('invalid') }))
  const score = await namingTexts(files, async () => {
    // the model's own rules (lower case, line ends) are applied by `evaluate`
    return await model.evaluate({ text: await readCorpus(corpus, 'char', signal), signal })
  })
  if (flags.has('json')) {
    process.stdout.write(`${JSON.stringify(score)}\n`)
    return
  }
  process.stdout.write(
    [
      `symbols       ${score.symbols.toLocaleString('en')}`,
      `loss          ${score.loss.toFixed(4)} nats per symbol`,
      `perplexity    ${score.perplexity.toFixed(3)}`,
      `${`bits/${symbolWord(model.unit)}`.padEnd(13)} ${score.bitsPerChar.toFixed(4)}`,
      '',
    ].join('\n'),
  )
}

/** Errors of the joined text, which no longer knows of its files. */
const OF_THE_TEXT: readonly string[] = ['ERR_CORPUS_EMPTY', 'ERR_CORPUS_TOO_SHORT', 'ERR_UNKNOWN_SYMBOL']

async function namingTexts<T>(files: readonly string[], task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    if (!isRnnKitError(error) || !OF_THE_TEXT.includes(error.code)) throw error
    const { code, message, field, value, position, cause } = error
    throw new RnnKitError({ code, message: `${files.join(', ')}: ${message}`, field, value, position, cause })
  }
}
