/** `rnnkit inspect`: what a saved model is and how it was trained, as a table or as JSON. */
import { CharModel, type HistoryEntry, type ModelRecipe, type ModelSpec } from '../index.ts'
import type { Call, Command } from './command-line.ts'

export const inspect: Command = {
  usage: 'inspect <model>',
  description: 'Say what a saved model is and how it was trained',
  flags: [{ name: 'json', description: 'Print one line of JSON, with the whole vocabulary and history' }],
  examples: ['inspect book.safetensors'],
  run: runInspect,
}

interface Inspected {
  layers: string[]
  parameters: number
  tensors: { name: string; shape: number[] }[]
  vocabulary: { size: number; unit: string; symbols: readonly string[] }
  steps: number
  epochs: number
  training: ModelRecipe
  history: HistoryEntry[]
}

/** Points of the history and symbols of the vocabulary that the table shows. */
const SHOWN = { history: 8, symbols: 40 }

async function runInspect({ arguments: [file = ''], flags }: Call): Promise<void> {
  const inspected = await inspectFile(file)
  process.stdout.write(flags.has('json') ? `${JSON.stringify(inspected)}\n` : describe(inspected))
}

async function inspectFile(file: string): Promise<Inspected> {
  using model = await CharModel.load(file, { threads: 1 })
  return {
    layers: describeLayers(model.spec),
    parameters: model.parameterCount,
    tensors: Object.entries(model.parameters()).map(([name, { shape }]) => ({ name, shape })),
    vocabulary: { size: model.vocabulary.length, unit: model.unit, symbols: model.vocabulary },
    steps: model.position.step,
    epochs: model.position.epoch,
    training: model.recipe,
    history: model.history,
  }
}

function describeLayers({ input, layers, head }: ModelSpec): string[] {
  const share = (dropout: number) => (dropout > 0 ? `, dropout ${dropout}` : '')
  return [
    describeInput(input),
    ...layers.map(describeLayer),
    `head ${head.size}, ${head.predict === 'everyStep' ? 'every step' : 'last step'}${share(head.dropout)}`,
  ]
}

function describeInput(input: ModelSpec['input']): string {
  switch (input.kind) {
    case 'embedding':
      return `embedding ${input.vocabulary} to ${input.size}`
    case 'oneHot':
      return `one-hot ${input.vocabulary}`
    case 'real':
      return `${input.size} numbers`
  }
}

function describeLayer(layer: ModelSpec['layers'][number]): string {
  switch (layer.kind) {
    case 'dense':
      return `dense ${layer.size}, ${layer.activation}`
    case 'batchNorm':
      return `batch normalisation, momentum ${layer.momentum}${layer.frozen ? ', frozen' : ''}`
    case 'dropout':
      return `dropout ${layer.rate}${layer.mask === 'step' ? '' : ` a ${layer.mask}`}`
    case 'recurrent': {
      const { cell, size, bidirectional, dropout } = layer
      const dropped = [
        dropout.input > 0 ? `input ${dropout.input}` : '',
        dropout.recurrent > 0 ? `recurrent ${dropout.recurrent}` : '',
        dropout.perGate ? 'per gate' : '',
      ].filter((part) => part !== '')
      const told = dropped.length > 0 ? `, dropout ${dropped.join(', ')}` : ''
      return `${cell} ${size}${bidirectional ? ' in two directions' : ''}${told}`
    }
  }
}

function describe(inspected: Inspected): string {
  const { layers, parameters, tensors, vocabulary, steps, epochs, training, history } = inspected
  const rows: [title: string, value: string][] = [
    ['layers', layers.join(' → ')],
    ['parameters', count(parameters)],
    ['vocabulary', `${count(vocabulary.size)} symbols (${vocabulary.unit}): ${excerpt(vocabulary.symbols)}`],
    ['trained', `${count(steps)} steps, ${count(epochs)} whole epochs`],
    ['optimizer', settings(training.optimizer)],
    ['clip', settings(training.clip)],
    ['batches', `${training.batches.order}, carry reset: ${training.batches.resetCarry}`],
  ]
  const lines = rows.map(([title, value]) => `${title.padEnd(12)}${value}`)
  const width = Math.max(...tensors.map(({ name }) => name.length)) + 2
  lines.push('', 'tensors', ...tensors.map(({ name, shape }) => `  ${name.padEnd(width)}${shape.join(' x ')}`))
  if (history.length > 0) lines.push('', historyRow(['step', 'epoch', 'loss', 'perplexity', 'validation']))
  lines.push(...history.slice(-SHOWN.history).map(historyCells).map(historyRow), '')
  return lines.join('\n')
}

function historyCells({ step, epoch, loss, perplexity, validation }: HistoryEntry): string[] {
  return [
    count(step),
    epoch.toFixed(2),
    loss.toFixed(4),
    perplexity.toFixed(3),
    validation?.perplexity.toFixed(3) ?? '',
  ]
}

function historyRow(cells: readonly string[]): string {
  return cells
    .map((cell) => cell.padStart(12))
    .join('')
    .trimEnd()
}

function count(value: number): string {
  return value.toLocaleString('en')
}

/** `adam: beta1 0.9, beta2 0.999` */
function settings({ kind, ...values }: { kind: string }): string {
  const told = Object.entries(values).map(([name, value]) => `${name} ${value}`)
  return told.length === 0 ? kind : `${kind}: ${told.join(', ')}`
}

function excerpt(symbols: readonly string[]): string {
  const shown = symbols.slice(0, SHOWN.symbols).map((symbol) => JSON.stringify(symbol).slice(1, -1))
  return shown.join(' ') + (symbols.length > SHOWN.symbols ? ' …' : '')
}
