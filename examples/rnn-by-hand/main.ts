/** The forward pass of a two-step RNN with the textbook's numbers: in ten lines by hand, then the same through the API. */
import { createSequenceModel } from 'rnnkit'
import type { Example, Result, Run } from '../lib/example.ts'
import { lines } from '../lib/picture.ts'
import { bCell, bOutput, difference, type Steps, shown, wInput, wOutput, wState, X } from './textbook.ts'

export const example: Example = {
  what: 'The forward pass of a two-step RNN with a textbook’s numbers, in ten lines and through the API',
  figure: 'output of the second time step, through the API',
  shows: 'The two states and the output, from zero through the two time steps',
  run,
}

function byHand(): Steps {
  let state = [0, 0]
  return X.map((x) => {
    const before = state
    state = bCell.map((b, j) => {
      const fromState = before.reduce((sum, h, i) => sum + h * wState[i]![j]!, 0)
      return Math.tanh(fromState + x * wInput[j]! + b)
    })
    return { state, output: state.reduce((sum, h, i) => sum + h * wOutput[i]!, bOutput) }
  })
}

async function throughApi(): Promise<Steps> {
  using model = await createSequenceModel({ layers: [{ kind: 'rnn', size: 2 }], features: 1, outputs: 1, loss: 'mse' })
  await model.setParameter('weight_ih_l0', wInput)
  // rnnkit, as PyTorch, multiplies columns, W h: the textbook's matrix goes in transposed.
  const transposed = wState.map((_, j) => wState.map((row) => row[j]!))
  await model.setParameter('weight_hh_l0', transposed.flat())
  await model.setParameter('bias_ih_l0', bCell)
  await model.setParameter('bias_hh_l0', [0, 0])
  await model.setParameter('head.weight', wOutput)
  await model.setParameter('head.bias', [bOutput])
  const { layers, outputs } = await model.unroll({ data: { inputs: Float32Array.from(X), shape: [1, X.length, 1] } })
  const hidden = layers[0]!.hidden.data
  return X.map((_, t) => ({ state: [...hidden.slice(2 * t, 2 * t + 2)], output: outputs.data[t]! }))
}

async function run({ quick, say }: Run): Promise<Result> {
  if (quick) say('Quick: all of it, for it takes no time')
  const hand = byHand()
  say(`by hand\n${shown(hand)}`)
  const api = await throughApi()
  say(`\nthrough the API, in 32 bits\n${shown(api)}`)
  const curve = (value: (step: Steps[0]) => number) => api.map((step, t) => [t + 1, value(step)] as const)
  return {
    figure: api[1]!.output,
    claims: {
      'by hand, the textbook’s 8 digits': difference(hand, 8) <= 0.5,
      'through the API, the textbook’s 7 digits, give or take one of the last': difference(api, 7) <= 1,
    },
    picture: lines(
      { title: 'Two time steps', x: 'time step', y: 'value' },
      {
        'state[0]': [[0, 0], ...curve(({ state }) => state[0]!)],
        'state[1]': [[0, 0], ...curve(({ state }) => state[1]!)],
        output: curve(({ output }) => output),
      },
    ),
  }
}
