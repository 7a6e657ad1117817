/** `rnnkit evaluate`: how well a saved model predicts a text. */
import { readCorpus } from '../corpus/read-corpus.ts'
import { CharModel } from '../index.ts'
import { corpusOptions } from '../options/corpus.ts'
import type { Call, Command } from './command-line.ts'

export const evaluate: Command = {
  usage: 'evaluate <model> <...files>',
  description: 'Say how well a saved model predicts text files, joined in the order given',
  flags: [{ name: 'json', description: 'Print one line of JSON' }],
  examples: ['evaluate book.safetensors other-book.txt'],
  run: runEvaluate,
}

async function runEvaluate({ arguments: [file = '', ...files], flags, signal }: Call): Promise<void> {
  using model = await CharModel.load(file)
  // the model's own rules (lower case, line ends) are applied by `evaluate`
  const text = await readCorpus(corpusOptions('', { files }), 'char')
  const score = await model.evaluate({ text, signal })
  if (flags.has('json')) {
    process.stdout.write(`${JSON.stringify(score)}\n`)
    return
  }
  process.stdout.write(
    [
      `symbols       ${score.symbols.toLocaleString('en')}`,
      `loss          ${score.loss.toFixed(4)} nats per symbol`,
      `perplexity    ${score.perplexity.toFixed(3)}`,
      `bits per char ${score.bitsPerChar.toFixed(4)}`,
      '',
    ].join('\n'),
  )
}
