/** How far gradients reach back in time: the norm of dL/dh at every time step of every recurrent layer. */
import type { Sequence, Session } from '../native/engine-session.ts'
import type { ClipSpec } from '../options/clip.ts'
import { matrix, norm, rowNorms } from './matrix.ts'
import { type LayerPlace, placeOf } from './unroll.ts'

export interface LayerNorms extends LayerPlace {
  /** [T] L2 norm of dL/dh_t: of all that flows to it, from the layers above and from time step t + 1. */
  norms: Float64Array
}

export interface GradientNorms {
  /** The loss whose gradients these are. */
  loss: number
  /**
   * The gradients as they flow back through time: no clipping acts on them. A training clips the gradients of the *parameters*, once they
   * are all there, which shortens its step and leaves these norms' ratios as they are.
   */
  layers: LayerNorms[]
  /** L2 norm over the gradients of all parameters together, as a training reports it: before clipping. */
  globalNorm: number
  /** The same after the clipping that the model is trained with. */
  clippedNorm: number
}

/** Of one sequence from zero carry, without dropout; batch normalisation takes the sequence's statistics, as in training. */
export async function sequenceGradientNorms(
  session: Session,
  sequence: Sequence,
  clip: ClipSpec,
  signal?: AbortSignal,
): Promise<GradientNorms> {
  const { loss, layers, gradients } = await session.view(sequence, true, signal)
  const globalNorm = norm(gradients)
  return {
    loss,
    layers: layers.map((layer) => ({ ...placeOf(layer), norms: rowNorms(matrix(layer.hiddenGradient, layer.size)) })),
    globalNorm,
    clippedNorm: clippedNorm(gradients, globalNorm, clip),
  }
}

function clippedNorm(gradients: Float32Array, globalNorm: number, clip: ClipSpec): number {
  switch (clip.kind) {
    case 'none':
      return globalNorm
    case 'norm':
      return globalNorm * Math.min(1, clip.theta / (globalNorm + clip.epsilon))
    case 'value':
      return norm(gradients.map((gradient) => Math.max(-clip.limit, Math.min(clip.limit, gradient))))
  }
}
