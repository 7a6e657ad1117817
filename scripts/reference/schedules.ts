/** The schedule cases, through the very functions that fill a training's plan with learning rates. */
import { scheduleOptions } from '../../ts/options/schedule.ts'
import { createSchedule } from '../../ts/schedules/schedules.ts'
import type { Case, Tensor } from './safetensors.ts'

type Hyper = Record<string, unknown>

/** Which of the cases' words become which option; the rest of `hyper` says how the case is run. */
const OPTIONS: Record<string, Record<string, string>> = {
  constant: {},
  step: { step_size: 'stepSize', gamma: 'gamma' },
  exponential: { gamma: 'gamma' },
  cosine: { warmup: 'warmup', total: 'total', min_lr: 'minLearningRate' },
  linear: { warmup: 'warmup', total: 'total', min_lr: 'minLearningRate', after: 'after' },
  'plateau/pytorch': {
    factor: 'factor',
    patience: 'patience',
    threshold: 'threshold',
    threshold_mode: 'thresholdMode',
    cooldown: 'cooldown',
    min_lr: 'minLearningRate',
    eps: 'epsilon',
  },
  'plateau/keras': {
    factor: 'factor',
    patience: 'patience',
    min_delta: 'minDelta',
    cooldown: 'cooldown',
    min_lr: 'minLearningRate',
  },
}

/** @throws an error that says what of the case has no place */
export function computeSchedule({ metadata, tensors }: Case): Map<string, Tensor> {
  const hyper: Hyper = JSON.parse(metadata.hyper ?? '{}')
  const { kind = '', flavour = '' } = metadata
  const plateau = kind === 'plateau'
  const words = OPTIONS[plateau ? `${kind}/${flavour}` : kind]
  if (words === undefined || (!plateau && flavour !== 'none')) throw new Error(`unsupported kind: ${kind}/${flavour}`)
  const { lr, steps, mode = 'min', ...rest } = hyper
  if (mode !== 'min') throw new Error(`unsupported hyper: mode = ${mode}`)
  const options: Hyper = { kind: plateau ? 'reduceOnPlateau' : kind }
  if (plateau) options.flavour = flavour
  for (const [word, value] of Object.entries(rest)) {
    const option = words[word]
    if (option === undefined) throw new Error(`there is no place for hyper.${word}`)
    options[option] = value
  }
  const setting = { learningRate: Number(lr), totalSteps: Number(steps) }
  const schedule = createSchedule(scheduleOptions('schedule', options), setting)
  const losses = tensors.get('input.loss')?.data
  const others = [...tensors.keys()].filter((name) => name.startsWith('input.') && name !== 'input.loss')
  if (others.length > 0 || plateau !== (losses !== undefined))
    throw new Error(`there is no place for ${[...tensors.keys()]}`)
  const rates = Float32Array.from({ length: setting.totalSteps }, (_, step) => {
    // The rate expected at t is the one after the loss of t was seen.
    if (losses !== undefined) schedule.observe?.(losses[step]!)
    return schedule.rate(step)
  })
  return new Map([['expect.lr', { shape: [rates.length], data: rates }]])
}
