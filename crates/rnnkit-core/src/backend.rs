//! The seam: what a backend must do (one time step, rows, products, the update) and what it may do in its own way (a block of layers, a
//! window).
//!
//! Every stage *records*: a device may run it later, and nothing waits but [`Backend::read`], [`Backend::logits`], [`Backend::tap`] and
//! [`Backend::finish`]. The core never branches on a device's value inside a call: once a window's loss or gradient norm is not finite, a
//! sticky status beside the buffers keeps `update` and `keep_carry` from writing until the next `begin`.
//!
//! The default methods are the plain loops over layers and time. An override must give what they give; the backend suite compares
//! the two through [`crate::plain::Plain`], which forwards the required methods only.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::grad_clip::ClipSpec;
use crate::math::Scalar;
use crate::optim::{OptimizerSpec, StepScalars};
use crate::plan::ModelPlan;
use crate::window::{Extent, Finished, Report, Values, WindowPlan};

/// A sequence on the device; `D` is the backend's [`Backend::Data`].
pub struct Resident<D> {
    /// How far it reaches.
    pub extent: Extent,
    /// Inputs.
    pub inputs: D,
    /// Targets, unless they are the inputs shifted.
    pub targets: Option<D>,
    /// Mask, one number a position.
    pub mask: Option<D>,
}

/// What a [`Backend::Prepared`] is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Lanes N, exactly.
    pub lanes: usize,
    /// The most time steps T of a window.
    pub time: usize,
    /// Whether there will be a way back.
    pub training: bool,
    /// Whether [`Backend::tap`] will be asked: everything is then kept, and nothing fused away.
    pub taps: bool,
}

/// The parts of a training that a run changes besides the parameters.
pub struct Training<'a, M> {
    /// One flat buffer in the parameters' layout, without the statistics.
    pub gradients: &'a mut M,
    /// The optimizer's moments, each one flat buffer like the gradients.
    pub moments: &'a mut [M],
    /// The optimizer.
    pub optimizer: &'a OptimizerSpec,
    /// Clipping.
    pub clip: &'a ClipSpec,
}

/// Everything a call works on, lent by the session. Generic over a backend's [`Backend::Memory`], [`Backend::Data`] and
/// [`Backend::Prepared`], so that a wrapper around a backend can pass a run on as it is.
pub struct Run<'a, M, D, P> {
    /// The model.
    pub plan: &'a ModelPlan,
    /// One flat buffer, laid out by `plan.params`.
    pub parameters: &'a mut M,
    /// `None`: no way back.
    pub training: Option<Training<'a, M>>,
    /// One flat buffer, laid out by `plan.carry`.
    pub carry: &'a mut M,
    /// Packed weights, pipelines, what BPTT keeps.
    pub prepared: &'a mut P,
    /// The data the windows lie in.
    pub data: &'a Resident<D>,
    /// The windows.
    pub windows: &'a WindowPlan,
    /// Raised from outside to stop; looked at between time steps and product tiles.
    pub abort: &'a AtomicBool,
}

/// The [`Run`] of a backend.
pub type RunOf<'a, B> = Run<'a, <B as Backend>::Memory, <B as Backend>::Data, <B as Backend>::Prepared>;

impl<M, D, P> Run<'_, M, D, P> {
    /// An error if the call was asked to stop.
    pub fn check_abort(&self) -> Result<()> {
        if self.abort.load(Ordering::Relaxed) { Err(Error::Aborted) } else { Ok(()) }
    }
}

/// A part of the model that has weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The embedding table.
    Embedding,
    /// `plan.layers[i]`.
    Layer(usize),
    /// The head.
    Head,
}

/// A named value that tests and teaching views may ask for. Shapes are time-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tap {
    /// Output of `plan.layers[i]`, [T, N, size].
    Output(usize),
    /// Activated gates of `plan.layers[i]`, [T, N, G*H], in the cell's gate order.
    Gates(usize),
    /// Logits or predictions: [T, N, size] for every step, [N, size] for the last.
    Logits,
    /// Gradient of the loss with respect to the input rows (embedded or real), [T, N, E].
    InputGradient,
    /// Gradient of the loss with respect to the carry the window started from, laid out as the carry.
    CarryGradient,
    /// Cell state c of `plan.layers[i]`, [T, N, H], where its cell has one.
    CellState(usize),
    /// Gradient of the loss with respect to h of `plan.layers[i]`, [T, N, H]: what comes from above and from the time step after.
    HiddenGradient(usize),
}

/// Which logits are wanted of a window that was run forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogitRows {
    /// Each lane's last time step, [N, size]; zero for a lane of length 0.
    LastStep,
    /// All time steps, [T, N, size], of a model that predicts at every step; zero past a lane's end.
    EveryStep,
}

/// Carries the mathematics out.
pub trait Backend: Sized + Send {
    /// The number type of its buffers, as the host sees them.
    type Real: Scalar;
    /// A flat buffer of [`Backend::Real`].
    type Memory: Send;
    /// A resident sequence of positions.
    type Data: Send;
    /// What one model keeps for one shape of call.
    type Prepared: Send;

    /// Device and kernels in words, for people.
    fn describe(&self) -> String;

    /// Bytes that [`Backend::prepare`] will take for that shape (parameters, moments and data not counted). Saturates instead of
    /// overflowing.
    fn memory_needed(&self, plan: &ModelPlan, shape: Shape) -> u64;

    /// A buffer of `len` zeros; fails instead of aborting where memory is short.
    fn alloc(&mut self, len: usize) -> Result<Self::Memory>;

    /// Copies `values` to the buffer, from element `at` on.
    fn write(&mut self, memory: &mut Self::Memory, at: usize, values: &[Self::Real]) -> Result<()>;

    /// The buffer's elements in that range. Waits.
    fn read(&mut self, memory: &Self::Memory, range: Range<usize>) -> Result<Vec<Self::Real>>;

    /// Uploads a sequence of positions.
    fn load(&mut self, values: &Values) -> Result<Self::Data>;

    /// Overwrites ids from position `at` on, in data loaded from [`Values::Ids`].
    fn overwrite(&mut self, data: &mut Self::Data, at: usize, ids: &[u32]) -> Result<()>;

    /// Everything a run of that shape needs, allocated once.
    fn prepare(&mut self, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Self::Prepared>;

    /// Called before the first window of a call: clears the status and the reports, and packs the weights anew if the parameters were
    /// written from outside since this `prepared` last saw them (`parameters_version` differs).
    fn begin(&mut self, run: &mut RunOf<'_, Self>, parameters_version: u64) -> Result<()>;

    /// Fetches the inputs (zero past a lane's end), the lengths and the starting carry of window k (zero where its reset says so). The
    /// stages that follow work on this window.
    fn gather(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;

    /// Fills the dropout masks of window k, as `run.windows.masks` says.
    fn masks(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;

    /// A layer that is not recurrent forward over the whole window. Batch normalisation in training keeps its window's statistics for
    /// `rows_backward` and `update`.
    fn rows_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()>;

    /// The same back: from the gradient of its output to that of what it reads, which [`crate::plan::Turn`] adds to and others set.
    fn rows_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize) -> Result<()>;

    /// One time step of a recurrent layer forward: product, gates and state; zero in lanes that have ended.
    fn step_forward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()>;

    /// One time step of a recurrent layer back, after step t + 1: from the gradients of h_t (from above and from t + 1) and c_t to those of
    /// the pre-activations, of its input, and of h_{t-1} and c_{t-1}.
    fn step_backward(&mut self, run: &mut RunOf<'_, Self>, layer: usize, t: usize) -> Result<()>;

    /// Head, loss and, in training, the gradients of the head's input.
    fn head_and_loss(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;

    /// The gradients of a part's weights, over all T·N.
    fn weight_gradients(&mut self, run: &mut RunOf<'_, Self>, part: Part) -> Result<()>;

    /// Global norm over all gradients, status, clipping.
    fn norm_and_clip(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;

    /// The optimizer's step k on all parameters, the moving statistics, and new packed weights; nothing after a bad status. A step that
    /// would leave a parameter or moment that is not finite changes nothing and sets the status ([`crate::optim::guarded`]).
    fn update(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()>;

    /// The states at each lane's end become the carry; nothing after a bad status.
    fn keep_carry(&mut self, run: &mut RunOf<'_, Self>) -> Result<()>;

    /// Waits, and returns the reports of the windows since `begin`, with the clock that knows how long they took.
    fn finish(&mut self, run: &mut RunOf<'_, Self>) -> Result<Finished>;

    /// Logits or predictions of the window that was run forward last. Waits.
    fn logits(&mut self, run: &mut RunOf<'_, Self>, rows: LogitRows, out: &mut [Self::Real]) -> Result<()>;

    /// A named value of the last window; needs [`Shape::taps`]. Waits.
    fn tap(&mut self, run: &mut RunOf<'_, Self>, tap: Tap) -> Result<Vec<Self::Real>>;

    /// Norm, clip and one optimizer step on buffers that belong to no model; the report's norm is the one before the clip.
    /// For tests of these two stages on any layout: it must run the code that `norm_and_clip` and `update` run.
    fn clip_and_update(
        &mut self,
        parameters: &mut Self::Memory,
        training: Training<'_, Self::Memory>,
        scalars: &StepScalars,
    ) -> Result<Report>;

    /// A block of layers forward over the whole window.
    fn block_forward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        crate::unroll::plain_forward(self, run, block)
    }

    /// A block of layers back over the whole window (truncated BPTT: no gradient leaves the window).
    fn block_backward(&mut self, run: &mut RunOf<'_, Self>, block: Range<usize>) -> Result<()> {
        crate::bptt::plain_backward(self, run, block)
    }

    /// One training step on window k. On [`Error::Aborted`] parameters, moments and carry are as before the window.
    fn train_window(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        crate::bptt::plain_train_window(self, run, k)
    }

    /// Window k forward, with its loss.
    fn evaluate_window(&mut self, run: &mut RunOf<'_, Self>, k: usize) -> Result<()> {
        crate::unroll::plain_evaluate_window(self, run, k)
    }
}

/// The parts of a model whose weights have gradients, in the order of the way back.
pub fn weighted_parts(plan: &ModelPlan) -> Vec<Part> {
    let mut parts = Vec::new();
    if plan.head.weights.is_some() {
        parts.push(Part::Head);
    }
    for (index, layer) in plan.layers.iter().enumerate().rev() {
        if layer.is_weighted() {
            parts.push(Part::Layer(index));
        }
    }
    if plan.embedding.is_some() {
        parts.push(Part::Embedding);
    }
    parts
}
