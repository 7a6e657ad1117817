/** The RNN from scratch: one layer of tanh, its gradients by hand, clipped, and stochastic gradient descent on typed arrays. */
import type { RandomNumbers } from '../lib/random.ts'
import { addProduct, transposed } from './matrix.ts'

/** The state of the model and its sizes: V symbols, H hidden units, N sequences of T time steps side by side. */
export interface Sizes {
  vocab: number
  hiddens: number
  batchSize: number
  numSteps: number
}

/** Weights [V, H], [H, H], [H, V] and ONE bias in the cell: H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h), O_t = H_t W_hq + b_q. */
export interface Params {
  wXh: Float32Array
  wHh: Float32Array
  bH: Float32Array
  wHq: Float32Array
  bQ: Float32Array
}

/** Weights N(0, 0.01²), biases 0. */
export function initParams({ vocab, hiddens }: Sizes, random: RandomNumbers): Params {
  const normal = (size: number) => Float32Array.from({ length: size }, () => 0.01 * random.normal())
  return {
    wXh: normal(vocab * hiddens),
    wHh: normal(hiddens * hiddens),
    bH: new Float32Array(hiddens),
    wHq: normal(hiddens * vocab),
    bQ: new Float32Array(vocab),
  }
}

/** Hidden states [T + 1, N, H] of a window: the first is `state` [N, H], the last the state to go on with. `x` is [T, N]. */
export function forward(
  { wXh, wHh, bH }: Params,
  { hiddens }: Sizes,
  x: Uint32Array,
  state: Float32Array,
): Float32Array {
  const lanes = state.length / hiddens
  const hidden = new Float32Array(state.length + x.length * hiddens)
  hidden.set(state)
  for (let t = 0; t < x.length / lanes; t++) {
    const before = hidden.subarray(t * state.length, (t + 1) * state.length)
    const after = hidden.subarray((t + 1) * state.length, (t + 2) * state.length)
    for (let lane = 0; lane < lanes; lane++) {
      // a one-hot X_t picks one row of W_xh
      const row = x[t * lanes + lane]! * hiddens
      for (let unit = 0; unit < hiddens; unit++) after[lane * hiddens + unit] = wXh[row + unit]! + bH[unit]!
    }
    addProduct(after, before, wHh, lanes, hiddens, hiddens)
    for (let i = 0; i < after.length; i++) after[i] = Math.tanh(after[i]!)
  }
  return hidden
}

/** Outputs O [rows, V] of hidden states [rows, H]. */
export function outputs({ wHq, bQ }: Params, { hiddens, vocab }: Sizes, hidden: Float32Array): Float32Array {
  const rows = hidden.length / hiddens
  const o = Float32Array.from({ length: rows * vocab }, (_, i) => bQ[i % vocab]!)
  addProduct(o, hidden, wHq, rows, hiddens, vocab)
  return o
}

/** Turns outputs [rows, V] into the gradient of the mean loss, (softmax(O) - one-hot(Y)) / rows, in place; gives the summed loss in nats. */
function crossEntropy(o: Float32Array, y: Uint32Array, vocab: number): number {
  let nats = 0
  for (const [row, target] of y.entries()) {
    const logits = o.subarray(row * vocab, (row + 1) * vocab)
    const largest = logits.reduce((a, b) => Math.max(a, b))
    let sum = 0
    for (const logit of logits) sum += Math.exp(logit - largest)
    nats += Math.log(sum) + largest - logits[target]!
    for (let v = 0; v < vocab; v++) {
      logits[v] = (Math.exp(logits[v]! - largest) / sum - (v === target ? 1 : 0)) / y.length
    }
  }
  return nats
}

/** Backpropagation through all T steps of a window: the gradients, and the summed loss in nats. */
export function backward(params: Params, sizes: Sizes, x: Uint32Array, y: Uint32Array, hidden: Float32Array) {
  const { vocab, hiddens } = sizes
  const rows = x.length
  const state = hidden.length - rows * hiddens
  const [h, before] = [hidden.subarray(state), hidden.subarray(0, hidden.length - state)]
  const dO = outputs(params, sizes, h)
  const nats = crossEntropy(dO, y, vocab)
  const grads = initParams(sizes, { normal: () => 0 } as RandomNumbers)
  addProduct(grads.wHq, transposed(h, rows, hiddens), dO, hiddens, rows, vocab)
  for (let i = 0; i < dO.length; i++) grads.bQ[i % vocab]! += dO[i]!

  // dH first holds what comes from the outputs; going back in time, what comes from the step after is added, and tanh' makes it dA
  const dA = new Float32Array(h.length)
  addProduct(dA, dO, transposed(params.wHq, hiddens, vocab), rows, vocab, hiddens)
  const wHhT = transposed(params.wHh, hiddens, hiddens)
  for (let end = dA.length; end > 0; end -= state) {
    const now = dA.subarray(end - state, end)
    if (end < dA.length) addProduct(now, dA.subarray(end, end + state), wHhT, state / hiddens, hiddens, hiddens)
    for (let i = 0; i < state; i++) now[i]! *= 1 - h[end - state + i]! ** 2
  }
  addProduct(grads.wHh, transposed(before, rows, hiddens), dA, hiddens, rows, hiddens)
  for (let row = 0; row < rows; row++) {
    for (let unit = 0; unit < hiddens; unit++) {
      const d = dA[row * hiddens + unit]!
      grads.wXh[x[row]! * hiddens + unit]! += d
      grads.bH[unit]! += d
    }
  }
  return { grads, nats }
}

/** One step of gradient descent, after the gradients were scaled down to a global norm of at most `theta`. */
export function sgd(params: Params, grads: Params, learningRate: number, theta: number): void {
  const names = Object.keys(params) as (keyof Params)[]
  const norm = Math.sqrt(names.reduce((sum, name) => sum + grads[name].reduce((s, g) => s + g * g, 0), 0))
  const rate = learningRate * Math.min(1, theta / norm)
  for (const name of names) for (let i = 0; i < params[name].length; i++) params[name][i]! -= rate * grads[name][i]!
}
