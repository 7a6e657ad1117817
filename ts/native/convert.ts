/** Other libraries' weights in the engine's layout. Shapes are the engine's to check, numbers are checked before they cross. */
import type { NativeArray, NativeDenseWeights, NativeKerasCell, NativeRecurrentWeights } from '../../native/index.cjs'
import type { CellName } from '../options/cell.ts'
import { binding } from './binding.ts'
import { type Unwrapped, unwrapNow } from './unwrap.ts'

/** @throws ERR_INVALID_OPTION */
export function convertKeras(cell: CellName, stored: NativeKerasCell): Unwrapped<NativeRecurrentWeights> {
  return unwrapNow(() => binding.convertKeras(JSON.stringify(cell), stored))
}

/** @throws ERR_INVALID_OPTION */
export function convertTf1(
  cell: CellName,
  kernel: NativeArray,
  bias: NativeArray,
  forgetBias: number,
): Unwrapped<NativeRecurrentWeights> {
  return unwrapNow(() => binding.convertTf1(JSON.stringify(cell), kernel, bias, forgetBias))
}

/** @throws ERR_INVALID_OPTION */
export function convertDense(kernel: NativeArray, bias: NativeArray | undefined): Unwrapped<NativeDenseWeights> {
  return unwrapNow(() => binding.convertDense(kernel, bias))
}
