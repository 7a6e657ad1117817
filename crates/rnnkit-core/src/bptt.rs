//! Truncated backpropagation through time: the plain loops back, and the order of one training step.
//!
//! The window is unrolled forward from the carry, then gradients run back over its T time steps and stop at its start: the carry is a
//! number by then, not a function of the weights (Williams and Peng, 1990; PyTorch's `detach`).

use std::ops::Range;

use crate::backend::{Backend, RunOf, weighted_parts};
use crate::error::Result;
use crate::plan::Layer;
use crate::unroll;

/// A block back, last layer and last time step first.
pub fn plain_backward<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, block: Range<usize>) -> Result<()> {
    for layer in block.rev() {
        if !matches!(run.plan.layers[layer], Layer::Recurrent(_)) {
            run.check_abort()?;
            backend.rows_backward(run, layer)?;
            continue;
        }
        for t in (0..run.windows.time).rev() {
            run.check_abort()?;
            backend.step_backward(run, layer, t)?;
        }
    }
    Ok(())
}

/// One training step on window k. Nothing outlives the window until `update`: an abort before it leaves all as it was.
pub fn plain_train_window<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, k: usize) -> Result<()> {
    gradients(backend, run, k)?;
    backend.norm_and_clip(run, k)?;
    backend.update(run, k)?;
    backend.keep_carry(run)
}

/// Window k forward and back: its loss and the gradients of all weights.
pub fn gradients<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, k: usize) -> Result<()> {
    unroll::forward(backend, run, k)?;
    backend.head_and_loss(run, k)?;
    for block in run.plan.blocks.iter().rev().cloned() {
        backend.block_backward(run, block)?;
    }
    for part in weighted_parts(run.plan) {
        run.check_abort()?;
        backend.weight_gradients(run, part)?;
    }
    Ok(())
}
