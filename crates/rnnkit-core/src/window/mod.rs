//! What one native call works on: resident data, and a plan that names where its K windows start.

mod extent;
mod finished;
mod plan;
mod sequence;
mod values;

pub use extent::{Aim, Extent};
pub use finished::{Clock, Finished};
pub use plan::{Masks, WindowPlan};
pub use sequence::{Sequence, Targets};
pub use values::Values;

/// What windows are run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Loss, gradients and an update.
    Training,
    /// The loss alone.
    Evaluation,
    /// Predictions, without targets.
    Prediction,
}

/// What came of one window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// The optimised objective, reduced as the spec says (0 where nothing is counted).
    pub loss: f64,
    /// Cross-entropy: sum over predicted positions of -ln p(target), in nats, no smoothing. Squared error: the sum of squares.
    pub nats: f64,
    /// Predicted positions.
    pub count: u64,
    /// L2 norm over all gradients together, before clipping; 0 in evaluation.
    pub gradient_norm: f64,
    /// Whether clipping changed the gradients.
    pub clipped: bool,
    /// A loss or gradient was not finite: this window and the rest of the call changed nothing.
    pub non_finite: bool,
}
