//! Optimizer steps on parameters that belong to no model, through a backend's own norm, clip and update.

use rnnkit_core::Result;
use rnnkit_core::backend::{Backend, Training};
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::OptimizerSpec;

use crate::window::{moments, real, wide};

/// Parameters after each step, and the moments after the last.
pub struct Walk {
    /// `[steps][parameters]`.
    pub path: Vec<Vec<f64>>,
    /// In the optimizer's order.
    pub moments: Vec<Vec<f64>>,
}

/// Clipped steps through a backend. `rates`: one a step; `gradients`: those of each step.
pub fn walk<B: Backend>(
    mut backend: B,
    spec: &OptimizerSpec,
    clip: &ClipSpec,
    rates: &[f64],
    parameters: &[f64],
    gradients: &[Vec<f64>],
) -> Result<Walk> {
    let len = parameters.len();
    let (mut memory, mut gradient_memory) = (backend.alloc(len)?, backend.alloc(len)?);
    backend.write(&mut memory, 0, &real::<B>(parameters))?;
    let mut moments = moments(&mut backend, spec, len)?;
    let mut path = Vec::new();
    for ((step, &rate), gradients) in (0..).zip(rates).zip(gradients) {
        backend.write(&mut gradient_memory, 0, &real::<B>(gradients))?;
        let training = Training { gradients: &mut gradient_memory, moments: &mut moments, optimizer: spec, clip };
        backend.clip_and_update(&mut memory, training, &spec.scalars(step, rate))?;
        path.push(wide(&backend.read(&memory, 0..len)?));
    }
    let moments = moments.iter().map(|memory| Ok(wide(&backend.read(memory, 0..len)?))).collect::<Result<_>>()?;
    Ok(Walk { path, moments })
}
