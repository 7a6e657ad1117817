// Shared by the JavaScript peers: workloads, useful-FLOP count, process clock, disturbance, report line.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
export const W = JSON.parse(fs.readFileSync(path.join(here, '../workloads.json'), 'utf8'))
const GATES = { rnn_tanh: 1, rnn_relu: 1, lstm: 4, gru: 3 }
export function usefulFlops(w) {
  // same count as common.py: one-hot input is a gather and does not count
  const g = GATES[w.cell],
    h = w.hidden,
    n = w.T * w.B
  const rec = g * h * h * w.layers + g * h * h * (w.layers - 1) + g * h * (w.embed || w.in || 0)
  return 6 * (rec * n + h * (w.vocab || 1) * (w.head === 'all' ? n : w.B))
}
export const sinceStart = () => process.uptime()
export const rssMb = () => process.resourceUsage().maxRSS / 1024
export function requireFrom(dir) {
  return createRequire(`${path.resolve(dir)}/x.js`)
}
export function ticks() {
  try {
    const f = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number)
    const u = process.cpuUsage()
    return [(f[0] + f[1] + f[2] + f[5] + f[6]) / 100, f[7] / 100, (u.user + u.system) / 1e6]
  } catch {
    return [0, 0, 0]
  }
}
export function median(a) {
  const s = [...a].sort((x, y) => x - y)
  const m = s.length >> 1
  return s.length % 2 ? s[m] : (s[m - 1] + s[m]) / 2
}
export function disturb(c0, dt) {
  const c1 = ticks(),
    own = c1[2] - c0[2],
    r = (x) => Math.round(x * 100) / 100
  return { other_cores: r((c1[0] - c0[0] - own) / dt), stolen_cores: r((c1[1] - c0[1]) / dt), own_cores: r(own / dt) }
}
export function report(o) {
  console.log(JSON.stringify(o))
}
