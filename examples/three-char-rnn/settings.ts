/** What the tutorial sets, what a quick run cuts, and the pieces of text whose next character the tutorial looks at. */

export const FULL = {
  nHidden: 256,
  batchSize: 64,
  /** By cs, the characters read. */
  epochs: { 3: 8, 8: 12 },
  learningRate: 2e-3,
  /** More than any text has. */
  maxSymbols: 100_000_000,
  /** Nats that 3 characters may be worse than the 4-gram. */
  near: 0.05,
}

export const QUICK: typeof FULL = {
  nHidden: 128,
  batchSize: 32,
  epochs: { 3: 3, 8: 10 },
  learningRate: 3e-3,
  maxSymbols: 300_000,
  near: 0.1,
}

export const NEXT = { 3: ['phi', ' th', ' an'], 8: ['for thos', 'part of ', 'queens a'] }
