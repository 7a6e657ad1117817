/** The option `schedule`: how the learning rate changes in the course of a training. */
import { RnnKitError } from '../errors.ts'
import { fieldIn, integer, oneOf, optional, real, type Variant, variant } from './check.ts'

interface Warmup {
  /**
   * Steps in which the rate rises linearly to `learningRate`; what comes after counts its steps from there. At most the planned
   * steps, or below `total`.
   * @default 0
   */
  warmup?: number
}

interface Decay extends Warmup {
  /**
   * The step, counted from 0, at which `minLearningRate` is reached.
   * @default the planned number of steps; in a training that goes on, the earlier plan or the new end, whichever is later
   */
  total?: number
  /** @default 0 */
  minLearningRate?: number
}

/** The rate stays as it is. */
export interface ConstantSchedule extends Warmup {
  kind: 'constant'
}

/** learningRate · gamma^floor(t / stepSize) */
export interface StepSchedule extends Warmup {
  kind: 'step'
  /** Steps between reductions. */
  stepSize: number
  /** Factor of each reduction. @default 0.1 */
  gamma?: number
}

/** learningRate · gamma^t */
export interface ExponentialSchedule extends Warmup {
  kind: 'exponential'
  /** Factor of each step. */
  gamma: number
}

/** minLearningRate + (learningRate - minLearningRate) / 2 · (1 + cos(π · t / T)), T steps from warm-up to `total`. */
export interface CosineSchedule extends Decay {
  kind: 'cosine'
}

/** After the warm-up straight down to `minLearningRate` at `total`, or constant (then neither of those is taken). */
export interface LinearSchedule extends Decay {
  kind: 'linear'
  /** @default 'decay' */
  after?: 'constant' | 'decay'
}

/**
 * Reduces the rate when a loss no longer gets better: the validation text's, each time that `validation.every` has it scored; without
 * `validation` the training's mean loss, at each epoch's end.
 */
export interface PlateauSchedule {
  kind: 'reduceOnPlateau'
  /**
   * Whose rule: PyTorch reduces when more than `patience` losses in a row were not better; Keras when `patience` were.
   * @default 'pytorch'
   */
  flavour?: 'pytorch' | 'keras'
  /** Factor of each reduction, in (0, 1). @default 0.1 */
  factor?: number
  /** @default 10 */
  patience?: number
  /** 'pytorch' only: how much better a loss must be. @default 1e-4 */
  threshold?: number
  /** 'pytorch' only: better is below best · (1 - threshold), or below best - threshold. @default 'rel' */
  thresholdMode?: 'rel' | 'abs'
  /** 'keras' only: better is below best - minDelta. @default 1e-4 */
  minDelta?: number
  /** Losses after a reduction that do not count. @default 0 */
  cooldown?: number
  /** @default 0 */
  minLearningRate?: number
  /** 'pytorch' only: a reduction by no more than this is left out. @default 1e-8 */
  epsilon?: number
}

/** A pure function of the step, counted from 0; it is called ahead of the step, and possibly more than once for one. */
export type ScheduleFunction = (step: number) => number

export type ScheduleOptions =
  | 'constant'
  | 'cosine'
  | 'linear'
  | 'reduceOnPlateau'
  | ConstantSchedule
  | StepSchedule
  | ExponentialSchedule
  | CosineSchedule
  | LinearSchedule
  | PlateauSchedule
  | ScheduleFunction

/** A schedule with every default in its place but `total`, which the length of the training gives. */
export type NormalSchedule =
  | Required<ConstantSchedule>
  | Required<StepSchedule>
  | Required<ExponentialSchedule>
  | NormalDecay<CosineSchedule>
  | NormalDecay<LinearSchedule>
  | Required<PlateauSchedule>
  | { kind: 'function'; field: string; rate: ScheduleFunction }

type NormalDecay<S extends Decay> = Required<Omit<S, 'total'>> & { total: number | undefined }

const DECAY = ['warmup', 'total', 'minLearningRate'] as const
const KINDS = {
  constant: ['warmup'],
  step: ['warmup', 'stepSize', 'gamma'],
  exponential: ['warmup', 'gamma'],
  cosine: DECAY,
  linear: [...DECAY, 'after'],
  reduceOnPlateau: [
    'flavour',
    'factor',
    'patience',
    'threshold',
    'thresholdMode',
    'minDelta',
    'cooldown',
    'minLearningRate',
    'epsilon',
  ],
} as const
type Given<Kind extends keyof typeof KINDS> = Extract<Variant<typeof KINDS>, { kind: Kind }>['given']

/** Checks and completes the option. The name of a kind stands for its defaults; an option left out is constant. */
export function scheduleOptions(field: string, value: unknown): NormalSchedule {
  if (typeof value === 'function') return { kind: 'function', field, rate: value as ScheduleFunction }
  const { kind, given } = variant(field, value === undefined ? 'constant' : value, KINDS)
  switch (kind) {
    case 'constant':
      return { kind, warmup: warmupOption(field, given.warmup) }
    case 'step':
      return {
        kind,
        warmup: warmupOption(field, given.warmup),
        stepSize: integer(fieldIn(field, 'stepSize'), given.stepSize, { min: 1 }),
        gamma: optional(given.gamma, (v) => factorOption(fieldIn(field, 'gamma'), v)) ?? 0.1,
      }
    case 'exponential':
      return {
        kind,
        warmup: warmupOption(field, given.warmup),
        gamma: factorOption(fieldIn(field, 'gamma'), given.gamma),
      }
    case 'cosine':
      return { kind, ...decayOptions(field, given) }
    case 'linear':
      return linearOptions(field, given)
    case 'reduceOnPlateau':
      return plateauOptions(field, given)
  }
}

function warmupOption(field: string, value: unknown): number {
  return optional(value, (v) => integer(fieldIn(field, 'warmup'), v, { min: 0 })) ?? 0
}

/** A factor of the rate that is repeated: 1 keeps it, more would let it grow without end. */
function factorOption(field: string, value: unknown): number {
  return real(field, value, { exclusiveMin: 0, max: 1 })
}

function minRateOption(field: string, value: unknown): number {
  return optional(value, (v) => real(fieldIn(field, 'minLearningRate'), v, { min: 0 })) ?? 0
}

function decayOptions(field: string, given: Given<'cosine'>) {
  const warmup = warmupOption(field, given.warmup)
  const total = optional(given.total, (v) => integer(fieldIn(field, 'total'), v, { min: warmup + 1 }))
  return { warmup, total, minLearningRate: minRateOption(field, given.minLearningRate) }
}

function linearOptions(field: string, given: Given<'linear'>): NormalSchedule {
  const after = optional(given.after, (v) => oneOf(fieldIn(field, 'after'), v, ['constant', 'decay'])) ?? 'decay'
  if (after === 'constant') {
    const why = `${fieldIn(field, 'after')} is 'constant'`
    refuseGiven(field, given, ['total', 'minLearningRate'], why)
  }
  return { kind: 'linear', after, ...decayOptions(field, given) }
}

function plateauOptions(field: string, given: Given<'reduceOnPlateau'>): NormalSchedule {
  const at = (key: string) => fieldIn(field, key)
  const flavour = optional(given.flavour, (v) => oneOf(at('flavour'), v, ['pytorch', 'keras'])) ?? 'pytorch'
  const foreign = flavour === 'keras' ? (['threshold', 'thresholdMode', 'epsilon'] as const) : (['minDelta'] as const)
  refuseGiven(field, given, foreign, `${at('flavour')} is '${flavour}'`)
  const atLeastZero = (key: 'threshold' | 'minDelta' | 'epsilon', fallback: number) =>
    optional(given[key], (v) => real(at(key), v, { min: 0 })) ?? fallback
  return {
    kind: 'reduceOnPlateau',
    flavour,
    factor: optional(given.factor, (v) => real(at('factor'), v, { exclusiveMin: 0, exclusiveMax: 1 })) ?? 0.1,
    patience: optional(given.patience, (v) => integer(at('patience'), v, { min: 0 })) ?? 10,
    threshold: atLeastZero('threshold', 1e-4),
    thresholdMode: optional(given.thresholdMode, (v) => oneOf(at('thresholdMode'), v, ['rel', 'abs'])) ?? 'rel',
    minDelta: atLeastZero('minDelta', 1e-4),
    cooldown: optional(given.cooldown, (v) => integer(at('cooldown'), v, { min: 0 })) ?? 0,
    minLearningRate: minRateOption(field, given.minLearningRate),
    epsilon: atLeastZero('epsilon', 1e-8),
  }
}

/** An option that would have no effect beside another is refused rather than ignored. */
function refuseGiven<K extends string>(field: string, given: { [P in K]?: unknown }, keys: readonly K[], why: string) {
  for (const key of keys) {
    if (given[key] === undefined) continue
    throw new RnnKitError({
      code: 'ERR_INVALID_OPTION',
      message: `${fieldIn(field, key)} has no effect when ${why}: leave one of them out`,
      field: fieldIn(field, key),
      value: given[key],
    })
  }
}
