/** The losses of a training by epochs: gathered, printed and drawn. */
import type { CharModel } from 'rnnkit'
import { lines, type Picture } from '../lib/picture.ts'

/** Losses in nats per character at the end of an epoch. */
export interface EpochLosses {
  epoch: number
  /** Of the training's last steps before. */
  training: number
  heldOut: number
}

/** Of each training by its name. */
export type Curves = Readonly<Record<string, readonly EpochLosses[]>>

/** One for each epoch. */
export function lossesOf(model: CharModel): EpochLosses[] {
  // Numbered here: a training with a new optimizer counts its epochs anew.
  return model.history
    .filter(({ validation }) => validation !== undefined)
    .map(({ loss, validation }, i) => ({ epoch: i + 1, training: loss, heldOut: validation!.loss }))
}

/** A line for each `every` epochs: the loss while training and the held-out loss of each training. */
export function lossTable(curves: Curves, every: number): string {
  const all = Object.values(curves)
  const due = all[0]!.filter(({ epoch }) => epoch % every === 0)
  const cells = ({ training, heldOut }: EpochLosses) => `${training.toFixed(3)} ${heldOut.toFixed(3)}`.padStart(16)
  const rows = due.map(({ epoch }) => {
    const found = all.map((curve) => cells(curve.find((losses) => losses.epoch === epoch)!))
    return `${String(epoch).padStart(5)}${found.join('')}`
  })
  const head = Object.keys(curves).map((name) => name.padStart(16))
  return ['loss while training and held-out loss', `epoch${head.join('')}`, ...rows].join('\n')
}

/** The held-out losses. */
export function drawHeldOut(title: string, curves: Curves): Picture {
  const points = Object.entries(curves).map(([name, curve]) => [name, curve.map((at) => [at.epoch, at.heldOut])])
  return lines({ title, x: 'epoch', y: 'held-out loss, nats per character' }, Object.fromEntries(points))
}
