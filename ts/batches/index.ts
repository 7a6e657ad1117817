/** Batch orders and plans: which windows of the text are trained on or scored, and when. */
export { type EvaluationWindow, evaluationWindows, refuseUnscorable } from './evaluation.ts'
export {
  type BatchPlan,
  type BatchPlanOptions,
  createBatchPlan,
  minimumSymbols,
  planWindows,
  refuseTooShort,
} from './plan.ts'
export {
  BATCH_ORDERS,
  type BatchOrder,
  type EpochShape,
  RESETS,
  type ResetCarry,
  type WindowPlan,
  windowsPerEpoch,
} from './types.ts'
