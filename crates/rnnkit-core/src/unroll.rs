//! The plain loops forward: layer after layer, the recurrent ones time step by time step, in the order of the data's way.

use std::ops::Range;

use crate::backend::{Backend, RunOf};
use crate::error::Result;
use crate::plan::Layer;

/// A block forward, layer by layer.
pub fn plain_forward<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, block: Range<usize>) -> Result<()> {
    for layer in block {
        if !matches!(run.plan.layers[layer], Layer::Recurrent(_)) {
            run.check_abort()?;
            backend.rows_forward(run, layer)?;
            continue;
        }
        for t in 0..run.windows.time {
            run.check_abort()?;
            backend.step_forward(run, layer, t)?;
        }
    }
    Ok(())
}

/// All blocks forward on window k, without head.
pub fn forward<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, k: usize) -> Result<()> {
    backend.gather(run, k)?;
    backend.masks(run, k)?;
    for block in run.plan.blocks.clone() {
        backend.block_forward(run, block)?;
    }
    Ok(())
}

/// Window k forward, with its loss; the carry moves on.
pub fn plain_evaluate_window<B: Backend>(backend: &mut B, run: &mut RunOf<'_, B>, k: usize) -> Result<()> {
    forward(backend, run, k)?;
    backend.head_and_loss(run, k)?;
    run.check_abort()?;
    backend.keep_carry(run)
}
