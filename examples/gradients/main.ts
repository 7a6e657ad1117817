/** How far back in time a gradient reaches: it vanishes, explodes or stays, as the recurrence multiplies it; and what clipping does. */
import type { Example, Result, Run } from '../lib/example.ts'
import { beside, lines } from '../lib/picture.ts'
import { IDENTITY, LARGE, NAMES, OPEN, reach, SMALL, untrained } from './cells.ts'
import { memoryRows, STEPS } from './memory.ts'

const BACK = [0, 10, 20, 30, 40, STEPS - 1]
const HIDDEN = 128

export const example: Example = {
  what: 'How far back gradients reach: tanh, ReLU with identity, GRU and LSTM; with and without clipping',
  figure: `share of the gradient that an LSTM with forget bias 3 carries ${STEPS - 1} steps back`,
  shows: 'Gradient norm by steps back in time for six recurrences; the exploding one trained with and without clipping',
  run,
}

async function run({ quick, training, say }: Run): Promise<Result> {
  const epochs = quick ? 10 : 20
  const { seed } = training
  say(
    `${quick ? 'Quick: half the epochs. ' : ''}Norm of dL/dh_t by steps back, L the loss after ${STEPS} steps; hidden ${HIDDEN}`,
  )
  const row = (name: string, cells: string[]) => say(name.padEnd(22) + cells.map((cell) => cell.padStart(9)).join(''))
  row('', [...BACK.map(String), 'weights', 'clipped'])
  const curves: Record<string, [back: number, norm: number][]> = {}
  for (const name of NAMES) {
    using model = await untrained(name, HIDDEN, seed)
    const { norms, globalNorm, clippedNorm } = await reach(model, memoryRows(16, seed))
    curves[name] = norms
    row(
      name,
      [...BACK.map((back) => norms[back]![1]), globalNorm, clippedNorm].map((norm) => norm.toExponential(1)),
    )
  }

  say(`\nWhich of four symbols came ${STEPS - 1} steps before? ${LARGE}, SGD 0.1; chance has a loss of 1.386`)
  const losses: Record<string, [epoch: number, loss: number][]> = {}
  const right: Record<string, number> = {}
  for (const [name, clip] of [
    ['clipped at 1', { norm: 1 }],
    ['not clipped', false],
  ] as const) {
    using model = await untrained(LARGE, HIDDEN, seed)
    const optimizer = { kind: 'sgd', learningRate: 0.1 } as const
    await model.train({ data: memoryRows(640, seed), batchSize: 32, epochs, optimizer, clip, ...training })
    losses[name] = model.history.map(({ epoch, loss }) => [epoch, loss])
    right[name] = (await model.evaluate({ data: memoryRows(400, seed + 1) })).accuracy
    const each = losses[name].map(([, loss]) => loss.toFixed(2)).join(' ')
    say(`${name}: loss of each epoch ${each}; right on unseen rows ${(100 * right[name]).toFixed(0)} %`)
  }

  const carried = (name: string) => curves[name]!.at(-1)![1] / curves[name]![0]![1]
  return {
    figure: carried(OPEN),
    claims: {
      'tanh vanishes with small weights': carried(SMALL) < 1e-9,
      'tanh explodes with large weights': carried(LARGE) > 10,
      'ReLU with identity does neither': carried(IDENTITY) > 0.1 && carried(IDENTITY) < 10,
      'the LSTM with forget bias 3 does not vanish': carried(OPEN) > 0.05,
      'the GRU and the LSTM as PyTorch begins them do': carried('GRU') < 1e-6 && carried('LSTM') < 1e-6,
      'where it explodes, only the clipped training learns':
        right['clipped at 1']! > 0.9 && right['not clipped']! < 0.7,
    },
    picture: beside(
      lines(
        { title: 'Before any training', x: 'steps back in time', y: { title: 'norm of dL/dh', scale: 'log' } },
        curves,
      ),
      lines({ title: `${LARGE}, trained`, x: 'epoch', y: 'loss, nats' }, losses),
    ),
  }
}
