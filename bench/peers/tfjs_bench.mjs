#!/usr/bin/env node
// TensorFlow.js. usage: node tfjs_bench.mjs --modules DIR [--backends cpu,wasm] [--idioms layers,cell] [--seconds 5] [--max-first 60] W2 W3 W6 | sample
//   DIR is where `npm i @tensorflow/tfjs @tensorflow/tfjs-backend-wasm` was run.
//   layers: tf.layers.lstm({stateful}) on one-hot input + tf.layers.dense; tf.variableGrads, global-norm clip, optimizer.applyGradients
//   cell:   hand-written LSTM on tf ops (ids gather rows of W_ih when the backend can differentiate gather, else one-hot product)
// Each (workload, backend, idiom) runs in its own process. A first step slower than --max-first seconds ends the run with that one figure.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { disturb, median, report, requireFrom, rssMb, sinceStart, ticks, usefulFlops, W } from './common.mjs'

const opt = { modules: '.', backends: 'wasm,cpu', idioms: 'layers', seconds: '5', 'max-first': '45' },
  ids = []
let isOne = false
for (let a = process.argv.slice(2); a.length; ) {
  const x = a.shift()
  if (x === '--one') isOne = true
  else if (x.startsWith('--')) opt[x.slice(2)] = a.shift()
  else ids.push(x)
}

async function one(wid, backend, idiom) {
  const smp = wid.startsWith('sample:')
  if (smp) wid = wid.slice(7)
  const t0 = performance.now(),
    req = requireFrom(opt.modules)
  const tf = req('@tensorflow/tfjs')
  let threads = 1
  if (backend.startsWith('wasm')) {
    const wasm = req('@tensorflow/tfjs-backend-wasm')
    wasm.setWasmPaths(`${path.dirname(req.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`)
    if (backend === 'wasm-mt') {
      tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', true)
      wasm.setThreadsCount(2)
      threads = 2
    }
    await tf.setBackend('wasm')
    await tf.ready()
  } else {
    await tf.setBackend('cpu')
    await tf.ready()
  }
  const importS = (performance.now() - t0) / 1e3
  const simd = backend.startsWith('wasm') ? await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT') : undefined
  const w = W[wid],
    { hidden: H, layers: L, vocab: V, T } = w,
    last = w.head === 'last',
    B = smp ? 1 : w.B,
    TT = smp ? 1 : T
  const drop = smp ? 0 : w.dropout || 0
  let params,
    fwd,
    states = []
  if (idiom === 'layers') {
    const m = tf.sequential()
    for (let l = 0; l < L; l++) {
      m.add(
        tf.layers.lstm({
          units: H,
          recurrentActivation: 'sigmoid',
          stateful: true,
          returnSequences: !(last && l === L - 1),
          recurrentInitializer: 'glorotUniform', // 'orthogonal' (the default) takes very long in tfjs
          ...(l === 0 ? { batchInputShape: [B, TT, V] } : {}),
        }),
      )
      if (drop) m.add(tf.layers.dropout({ rate: drop }))
    }
    m.add(tf.layers.dense({ units: V }))
    params = m.trainableWeights.map((p) => p.val)
    fwd = (x, training) => m.apply(tf.oneHot(x, V).toFloat(), { training })
  } else {
    const k = 1 / Math.sqrt(H),
      U = (...s) => tf.variable(tf.randomUniform(s, -k, k))
    const Ls = []
    for (let l = 0; l < L; l++) Ls.push({ wx: U(l ? H : V, 4 * H), wh: U(H, 4 * H), b: U(4 * H) })
    const hw = U(H, V),
      hb = U(V)
    params = [...Ls.flatMap((l) => [l.wx, l.wh, l.b]), hw, hb]
    states = Ls.map(() => [tf.keep(tf.zeros([B, H])), tf.keep(tf.zeros([B, H]))])
    fwd = (x) => {
      // x [T, B]
      let seq = null
      for (let l = 0; l < L; l++) {
        const P = Ls[l]
        if (seq && drop) seq = tf.dropout(seq, drop)
        const inp = seq ? seq.reshape([TT * B, H]) : tf.oneHot(x.reshape([-1]), V).toFloat()
        const xg = tf.unstack(
          inp
            .matMul(P.wx)
            .add(P.b)
            .reshape([TT, B, 4 * H]),
        )
        let [h, c] = states[l],
          out = []
        for (let t = 0; t < TT; t++) {
          const [i, f, g, o] = tf.split(xg[t].add(h.matMul(P.wh)), 4, 1)
          c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
          h = o.sigmoid().mul(c.tanh())
          out.push(h)
        }
        states[l].next = [tf.keep(h.clone()), tf.keep(c.clone())]
        seq = last && l === L - 1 ? h : tf.stack(out)
      }
      if (drop) seq = tf.dropout(seq, drop)
      return seq.reshape([-1, H]).matMul(hw).add(hb)
    }
  }
  const roll = () => {
    for (const s of states)
      if (s.next) {
        s[0].dispose()
        s[1].dispose()
        ;[s[0], s[1]] = s.next
        s.next = null
      }
  }
  const base = {
    peer: `tfjs-${backend}`,
    version: tf.version.tfjs,
    workload: (smp ? 'sample ' : '') + wid,
    threads,
    idiom: `${idiom}+onehot`,
  }

  if (smp) {
    let x = 0,
      n = 0,
      ts = 0,
      seed = 7
    const rnd = () => {
      seed = (seed * 1664525 + 1013904223) >>> 0
      return seed / 4294967296
    }
    for (;;) {
      const p = tf.tidy(() => {
        const r = tf.softmax(
          fwd(tf.tensor(idiom === 'layers' ? [[x]] : [[x]], [1, 1], 'int32'), false)
            .reshape([-1])
            .div(0.8),
        )
        return r
      })
      const a = p.dataSync()
      p.dispose()
      roll()
      let r = rnd(),
        i = 0
      while (i < V - 1 && r > a[i]) r -= a[i++]
      x = i
      n++
      if (n === 20) ts = performance.now()
      if (ts && n % 10 === 0 && performance.now() - ts > 3000) break
    }
    return report({ ...base, chars_per_s: Math.round(((n - 20) / (performance.now() - ts)) * 1e3) })
  }
  const tr = tf.train,
    o = { sgd: () => tr.sgd(w.lr), adam: () => tr.adam(w.lr), adagrad: () => tr.adagrad(w.lr) }[w.opt]()
  const N = 8,
    tm = idiom !== 'layers'
  const data = Array.from({ length: N }, () => {
    const r = (n) => Int32Array.from({ length: n }, () => Math.floor(Math.random() * V))
    return [
      tf.tensor(r(B * T), tm ? [T, B] : [B, T], 'int32'),
      tf.tensor(r(last ? B : B * T), [last ? B : B * T], 'int32'),
    ]
  })
  let k = 0
  const step = () => {
    const [x, y] = data[k++ % N]
    const lossT = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.losses.softmaxCrossEntropy(tf.oneHot(y, V), fwd(x, true).reshape([-1, V])),
        params,
      )
      const names = Object.keys(grads)
      const norm = tf.sqrt(tf.addN(names.map((n) => grads[n].square().sum())))
      const scale = tf.minimum(1, tf.div(1, norm.add(1e-6)))
      const c = {}
      for (const n of names) c[n] = grads[n].mul(scale)
      o.applyGradients(c)
      return value
    })
    const loss = lossT.dataSync()[0]
    lossT.dispose()
    roll()
    return loss
  }
  const a0 = performance.now(),
    l0 = step(),
    d0 = (performance.now() - a0) / 1e3,
    first = sinceStart()
  const ts = [],
    warm = d0 > +opt['max-first'] ? 0 : d0 > 8 ? 1 : d0 > 3 ? 2 : 5
  const c0 = ticks(),
    b0 = performance.now()
  if (d0 > +opt['max-first']) ts.push(d0)
  else {
    for (let i = 0; i < warm; i++) step()
    const m0 = performance.now()
    while (performance.now() - m0 < opt.seconds * 1e3 || ts.length < 2) {
      const a = performance.now()
      step()
      ts.push((performance.now() - a) / 1e3)
    }
  }
  const med = median(ts),
    r2 = (x) => Math.round(x * 100) / 100
  report({
    ...base,
    tokens_per_s: Math.round((B * T) / med),
    step_ms_median: r2(med * 1e3),
    rss_mb: Math.round(rssMb()),
    first_step_s: r2(first),
    gflops: r2(usefulFlops(w) / med / 1e9),
    steps: ts.length,
    warmup: warm,
    simd,
    import_s: r2(importS),
    loss0: r2(l0),
    tensors: tf.memory().numTensors,
    ...(d0 > +opt['max-first'] ? {} : disturb(c0, (performance.now() - b0) / 1e3)),
  })
}

if (isOne) await one(ids[0], opt.backends, opt.idioms)
else
  for (const id of ids.flatMap((i) => (i === 'sample' ? ['sample:W2', 'sample:W3'] : [i])))
    for (const b of opt.backends.split(','))
      for (const d of opt.idioms.split(',')) {
        const r = spawnSync(
          process.execPath,
          [
            fileURLToPath(import.meta.url),
            '--one',
            '--modules',
            opt.modules,
            '--backends',
            b,
            '--idioms',
            d,
            '--seconds',
            opt.seconds,
            '--max-first',
            opt['max-first'],
            id,
          ],
          { encoding: 'utf8', timeout: 170e3 },
        )
        process.stdout.write(r.stdout || '')
        if (r.status !== 0)
          report({
            peer: `tfjs-${b}`,
            workload: id,
            idiom: d,
            error: ((r.stderr || '').match(/Error: .*/) || [r.error || r.stderr || r.signal])[0]
              .toString()
              .slice(0, 300),
          })
      }
