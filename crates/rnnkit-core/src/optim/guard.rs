//! A step that could overflow is tried out: the model before it must stay usable.
//!
//! A finite gradient can still end in infinite moments (its square overflows above 1.8e19) or parameters (a learning rate of 1e38).
//! Such a step is refused like one whose gradient is not finite. Most steps cannot do this whatever the parameters are
//! ([`OptimizerSpec::is_tame`]) and pay nothing; for the others the buffers are copied first and put back.

use super::{Epsilon, OptimizerSpec, StepScalars};
use crate::error::Result;
use crate::math::Scalar;
use crate::memory::zeros;

/// The largest global norm of a tame step: its square, summed over any number of steps, stays far below f32's 3.4e38.
const TAME_NORM: f64 = 1e12;
/// The largest learning rate of a tame step.
const TAME_RATE: f64 = 1e6;
/// The smallest epsilon of a tame step, where an optimizer divides by little more than that.
const TAME_EPSILON: f64 = 1e-12;

impl OptimizerSpec {
    /// Whether a step cannot take finite parameters and moments of ordinary size to infinity. `norm`: of all gradients, before clipping.
    pub fn is_tame(&self, scalars: &StepScalars, norm: f64) -> bool {
        self.tame_norm(scalars).is_some_and(|most| norm <= most)
    }

    /// The largest norm for which a step is tame; `None` where none is.
    pub fn tame_norm(&self, scalars: &StepScalars) -> Option<f64> {
        let (decay, divides_by) = match self {
            OptimizerSpec::Sgd(sgd) => (sgd.weight_decay, 1.0),
            OptimizerSpec::Adagrad(adagrad) => {
                let smallest = smallest_root(adagrad.flavour.epsilon(adagrad.epsilon)).max(adagrad.initial_accumulator.sqrt());
                (adagrad.weight_decay, smallest)
            }
            OptimizerSpec::RmsProp(rmsprop) => {
                let smallest = smallest_root(rmsprop.flavour.epsilon(rmsprop.epsilon));
                (rmsprop.weight_decay, if rmsprop.centered { smallest } else { 1.0 })
            }
            OptimizerSpec::Adam(adam) | OptimizerSpec::AdamW(adam) => (adam.weight_decay, 1.0),
        };
        let rate = scalars.learning_rate;
        let tame = rate <= TAME_RATE && decay <= TAME_RATE && rate * decay <= 1.0 && divides_by >= TAME_EPSILON;
        tame.then_some(TAME_NORM)
    }
}

/// What a root with an epsilon is at least.
fn smallest_root(epsilon: Epsilon) -> f64 {
    epsilon.inside.sqrt() + epsilon.outside
}

/// Takes a step on host buffers, and takes it back if it left a value that is not finite. Whether it stands.
///
/// # Errors
/// [`crate::Error::Memory`] if there is no room for the copies of a step that has to be tried out; nothing has changed then.
pub fn guarded<R: Scalar>(
    tame: bool,
    parameters: &mut Vec<R>,
    moments: &mut [Vec<R>],
    step: impl FnOnce(&mut [R], &mut [Vec<R>]),
) -> Result<bool> {
    if tame {
        step(parameters, moments);
        return Ok(true);
    }
    let before = copy(parameters)?;
    let moments_before = moments.iter().map(|moment| copy(moment)).collect::<Result<Vec<_>>>()?;
    step(parameters, moments);
    let stands = std::iter::once(&*parameters).chain(&*moments).flatten().all(|value| value.is_finite());
    if !stands {
        *parameters = before;
        for (moment, before) in moments.iter_mut().zip(moments_before) {
            *moment = before;
        }
    }
    Ok(stands)
}

fn copy<R: Scalar>(values: &[R]) -> Result<Vec<R>> {
    let mut copy = zeros(values.len())?;
    copy.copy_from_slice(values);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Adam, Flavour, Sgd};

    const FLAVOUR: Flavour = Flavour::PyTorch;
    const SGD: OptimizerSpec =
        OptimizerSpec::Sgd(Sgd { flavour: FLAVOUR, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 });
    const ADAM: OptimizerSpec =
        OptimizerSpec::Adam(Adam { flavour: FLAVOUR, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weight_decay: 0.0 });

    fn step_of(optimizer: &OptimizerSpec, rate: f64, gradient: f32, parameters: &mut Vec<f32>, moments: &mut [Vec<f32>]) -> bool {
        let scalars = optimizer.scalars(0, rate);
        let gradients = vec![gradient; parameters.len()];
        let tame = optimizer.is_tame(&scalars, f64::from(gradient));
        guarded(tame, parameters, moments, |parameters, moments| {
            let mut moments: Vec<&mut [f32]> = moments.iter_mut().map(Vec::as_mut_slice).collect();
            optimizer.apply(&scalars, 1.0, parameters, &gradients, &mut moments);
        })
        .expect("memory for three values")
    }

    #[test]
    fn ordinary_steps_are_tame_and_stand() {
        assert!(SGD.is_tame(&SGD.scalars(0, 100.0), 1e6) && ADAM.is_tame(&ADAM.scalars(0, 1e-3), 1e6));
        let mut parameters = vec![1.0f32; 3];
        assert!(step_of(&SGD, 0.5, 1.0, &mut parameters, &mut []));
        assert_eq!(parameters, [0.5; 3]);
    }

    #[test]
    fn a_moment_that_overflows_is_taken_back() {
        let (mut parameters, mut moments) = (vec![1.0f32; 3], vec![vec![0.0; 3], vec![0.0; 3]]);
        assert!(!step_of(&ADAM, 1e-3, 1e21, &mut parameters, &mut moments));
        assert_eq!((parameters, moments), (vec![1.0; 3], vec![vec![0.0; 3]; 2]));
    }

    #[test]
    fn a_parameter_that_overflows_is_taken_back() {
        let mut parameters = vec![1.0f32; 3];
        assert!(!step_of(&SGD, 1e38, 1e3, &mut parameters, &mut []));
        assert_eq!(parameters, [1.0; 3]);
    }

    #[test]
    fn a_wild_step_that_ends_well_stands() {
        let mut parameters = vec![0.0f32; 3];
        assert!(step_of(&SGD, 1e10, 1.0, &mut parameters, &mut []));
        assert_eq!(parameters, [-1e10; 3]);
    }
}
