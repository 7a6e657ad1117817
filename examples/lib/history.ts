/** What a training's history says, gathered into the steps that a tutorial prints. */
import type { HistoryEntry } from 'rnnkit'

/** Mean loss of each `every` steps, as [steps done, loss]; `every` is a multiple of 100. An epoch's end may have split an entry in two. */
export function meanLosses(history: readonly HistoryEntry[], every: number): [step: number, loss: number][] {
  const losses: [number, number][] = []
  let sum = 0
  let before = 0
  for (const { step, loss } of history) {
    sum += loss * (step - before)
    before = step
    if (step % every !== 0) continue
    losses.push([step, sum / every])
    sum = 0
  }
  return losses
}

/** Perplexity of each epoch's training text, as [epochs done, perplexity]. For epochs of at most 100 steps, which have one entry each. */
export function epochPerplexities(history: readonly HistoryEntry[]): [epoch: number, perplexity: number][] {
  return history.filter(({ epoch }) => Number.isInteger(epoch)).map(({ epoch, perplexity }) => [epoch, perplexity])
}
