//! Norm, clipping and the optimizer's step, chunk by chunk of the flat buffers.

use rnnkit_core::grad_clip::{CHUNK, ClipSpec, clip_value, global_norm, norm_scale, square_sum};
use rnnkit_core::optim::{OptimizerSpec, StepScalars};

use crate::pool::ThreadPool;
use crate::simd::{Isa, Kernel, Simd};

/// The most moments of an optimizer.
const MOMENTS: usize = 3;

/// Clips the gradients in place; their norm before it, and whether anything changed. `partials`: one for each [`CHUNK`].
pub fn clip(isa: Isa, pool: &ThreadPool, gradients: &mut [f32], partials: &mut [f64], clip: &ClipSpec) -> (f64, bool) {
    let all = &*gradients;
    pool.for_each(partials, |chunk, partial| {
        *partial = isa.dispatch(SquareSum(&all[chunk * CHUNK..all.len().min((chunk + 1) * CHUNK)]));
    });
    let norm = global_norm(partials);
    let clipped = match *clip {
        ClipSpec::None {} => false,
        ClipSpec::Norm { theta, epsilon } => {
            let scale = norm_scale(norm, theta, epsilon);
            if scale < 1.0 {
                pool.for_each_chunk(gradients, CHUNK, |_, chunk| chunk.iter_mut().for_each(|gradient| *gradient *= scale as f32));
            }
            scale < 1.0
        }
        ClipSpec::Value { limit } => clip_value(gradients, limit),
    };
    (norm, clipped)
}

/// One optimizer step on the whole buffer.
pub fn update(
    isa: Isa,
    pool: &ThreadPool,
    optimizer: &OptimizerSpec,
    scalars: &StepScalars,
    parameters: &mut [f32],
    gradients: &[f32],
    moments: &mut [Vec<f32>],
) {
    let count = moments.len();
    let mut moments = moments.iter_mut();
    let mut moment = || moments.next().map_or(&mut [][..], |moment| &mut moment[..]);
    let buffers = [parameters, moment(), moment(), moment()];
    pool.for_each_chunks(buffers, CHUNK, |chunk, [parameters, m0, m1, m2]| {
        let at = chunk * CHUNK;
        let gradients = &gradients[at..at + parameters.len()];
        let mut moments: [&mut [f32]; MOMENTS] = [m0, m1, m2];
        isa.dispatch(Step { optimizer, scalars, parameters, gradients, moments: &mut moments[..count] });
    });
}

struct SquareSum<'a>(&'a [f32]);

impl Kernel for SquareSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self) -> f64 {
        square_sum(self.0)
    }
}

struct Step<'a, 'm> {
    optimizer: &'a OptimizerSpec,
    scalars: &'a StepScalars,
    parameters: &'a mut [f32],
    gradients: &'a [f32],
    moments: &'a mut [&'m mut [f32]],
}

impl Kernel for Step<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        self.optimizer.apply(self.scalars, 1.0, self.parameters, self.gradients, self.moments);
    }
}
