/** Whether a model's gradients are right: they are compared with central differences of the loss, computed in f64. */
import type { CheckRequest, Session } from '../native/engine-session.ts'

/** One parameter's gradient, twice. */
export interface CheckedGradient {
  /** Name of its tensor. */
  tensor: string
  /** Its place in the tensor, row-major. */
  index: number
  /** As the model's own device works it out, by backpropagation through time. */
  analytic: number
  /** (L(p + ε) - L(p - ε)) / 2ε with ε = 1e-5, by the oracle in f64. */
  numeric: number
}

export interface GradientCheck {
  /**
   * |analytic - numeric| / max(|analytic|, |numeric|, 0.01 g, 1e-7), where g is the largest gradient of the tensor: a relative difference
   * that the rounding of f32 cannot blow up. Below 1e-3 the gradients are right; of a ReLU a unit close to 0 may show more, and so
   * does a GPU with weights in 16 bits.
   */
  largestError: number
  /** Where that is. */
  worst: CheckedGradient
  /** Parameters that were checked. */
  checked: number
}

/** Of one sequence from zero carry, without dropout. The model stays as it is. */
export async function checkSequenceGradients(
  session: Session,
  request: CheckRequest,
  signal?: AbortSignal,
): Promise<GradientCheck> {
  const { largestError, checked, ...worst } = await session.checkGradients(request, signal)
  return { largestError, worst, checked }
}
