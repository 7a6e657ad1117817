//! Global norm, clipping and the optimizer's step, over flat buffers.

use rnnkit_core::Result;
use rnnkit_core::backend::Training;
use rnnkit_core::grad_clip::{CHUNK, ClipSpec};
use rnnkit_core::optim::StepScalars;

use crate::arguments::{Norm, NormParts, Step};
use crate::kernel::KernelId;
use crate::memory::Memory;
use crate::optimizer;
use crate::recorder::Recorder;
use crate::slice::Slice;

/// Elements of a workgroup of the update.
const ELEMENTS: usize = 256;

/// Where norms and steps of one call meet: the pieces of the norm, and the status.
pub struct Scratch {
    /// Four numbers a piece.
    pub norm_parts: Slice,
    /// Status, scale and reports.
    pub state: Slice,
}

/// The largest absolute value of a gradient that is left alone: all, unless the clip is by value.
fn limit(clip: &ClipSpec) -> f32 {
    match *clip {
        ClipSpec::Value { limit } => limit as f32,
        ClipSpec::None {} | ClipSpec::Norm { .. } => f32::MAX,
    }
}

/// The global norm, the factor that clips by it, the status of window k.
pub fn norm(
    recorder: &mut Recorder,
    training: &Training<'_, Memory>,
    scratch: &Scratch,
    scalars: &StepScalars,
    window: usize,
) -> Result<()> {
    let elements = training.gradients.len;
    let arguments = NormParts { elements: elements as u32, limit: limit(training.clip) };
    let parts = elements.div_ceil(CHUNK);
    let slices = vec![training.gradients.slice(), scratch.norm_parts.clone()];
    recorder.dispatch(KernelId::NormParts, slices, bytemuck::bytes_of(&arguments), parts)?;
    let (theta, epsilon) = match *training.clip {
        ClipSpec::Norm { theta, epsilon } => (theta as f32, epsilon as f32),
        _ => (f32::INFINITY, 0.0),
    };
    let tame_norm = training.optimizer.tame_norm(scalars).map_or(-1.0, |norm| norm as f32);
    let arguments = Norm { parts: parts as u32, window: window as u32, theta, epsilon, tame_norm };
    recorder.dispatch(KernelId::Norm, vec![scratch.norm_parts.clone(), scratch.state.clone()], bytemuck::bytes_of(&arguments), 1)
}

/// Tries the step if it could overflow, then takes it, unless the call went bad.
pub fn update(
    recorder: &mut Recorder,
    parameters: &Memory,
    training: &Training<'_, Memory>,
    scratch: &Scratch,
    scalars: &StepScalars,
    window: usize,
) -> Result<()> {
    // Behind what has gradients stand the statistics.
    let elements = training.gradients.len;
    let step = Step { elements: elements as u32, window: window as u32, limit: limit(training.clip) };
    let arguments = optimizer::arguments(step, training.optimizer, scalars);
    let (kind, moments) = optimizer::kernel_of(training.optimizer);
    // Where a moment is not kept, a piece of the norm does for its binding.
    let moment = |index: usize| training.moments.get(index).map_or_else(|| scratch.norm_parts.clone(), Memory::slice);
    let slices = vec![parameters.slice(), training.gradients.slice(), moment(0), moment(1), moment(2), scratch.state.clone()];
    let groups = elements.div_ceil(ELEMENTS);
    recorder.dispatch(KernelId::TryUpdate(kind, moments), slices.clone(), &arguments, groups)?;
    recorder.dispatch(KernelId::Update(kind, moments), slices, &arguments, groups)
}
