/** The from-scratch RNN of the time-machine example: its matrix product, and its gradients against central differences. */
import test from 'ava'
import { randomNumbers } from '../examples/lib/random.ts'
import { addProduct, transposed } from '../examples/time-machine-rnn/matrix.ts'
import { backward, forward, initParams, type Params, sgd } from '../examples/time-machine-rnn/scratch.ts'

const SIZES = { vocab: 5, hiddens: 6, batchSize: 2, numSteps: 3 }
const random = randomNumbers(1)
const normal = (size: number) => Float32Array.from({ length: size }, () => random.normal())

test('the product adds what plain loops add, whatever the sizes', (t) => {
  for (const [rows, inner, columns] of [
    [1, 1, 1],
    [3, 5, 7],
    [2, 33, 4],
    [4, 70, 3],
  ] as const) {
    const [a, b, out] = [normal(rows * inner), normal(inner * columns), normal(rows * columns)]
    const wanted = Array.from(out, (start, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns]
      return Array.from({ length: inner }, (_, k) => a[row * inner + k]! * b[k * columns + column]!).reduce(
        (x, y) => x + y,
        start,
      )
    })
    addProduct(out, a, b, rows, inner, columns)
    for (const [i, value] of wanted.entries())
      t.true(Math.abs(out[i]! - value) < 1e-4, `${rows} ${inner} ${columns}: ${i}`)
  }
  t.deepEqual(transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3), Float32Array.of(1, 4, 2, 5, 3, 6))
})

test('gradients are those of central differences', (t) => {
  // as large as trained weights, so that the gradients through time count
  const params = initParams(SIZES, { ...random, normal: () => 50 * random.normal() })
  params.bH.set(normal(SIZES.hiddens))
  const x = Uint32Array.of(0, 1, 2, 3, 4, 0)
  const y = Uint32Array.of(2, 3, 4, 0, 1, 1)
  const state = normal(SIZES.batchSize * SIZES.hiddens)
  const gradients = () => backward(params, SIZES, x, y, forward(params, SIZES, x, state))
  const loss = () => gradients().nats / x.length
  const { grads } = gradients()
  for (const name of Object.keys(params) as (keyof Params)[]) {
    for (let i = 0; i < params[name].length; i++) {
      const kept = params[name][i]!
      const at = (value: number) => {
        params[name][i] = value
        return loss()
      }
      const slope = (at(kept + 1e-2) - at(kept - 1e-2)) / 2e-2
      params[name][i] = kept
      t.true(Math.abs(slope - grads[name][i]!) < 1e-3, `${name}[${i}]: ${grads[name][i]}, by differences ${slope}`)
    }
  }
})

test('a step is no longer than the clipping threshold times the learning rate', (t) => {
  const zeros = () => initParams(SIZES, { ...random, normal: () => 0 })
  const [params, grads] = [zeros(), zeros()]
  grads.bH[0] = 3
  grads.wXh[4] = -4
  sgd(params, grads, 0.5, 1)
  t.true(Math.abs(params.bH[0]! + 0.3) < 1e-6 && Math.abs(params.wXh[4]! - 0.4) < 1e-6)
})
