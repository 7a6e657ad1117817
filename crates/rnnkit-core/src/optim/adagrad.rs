//! Adagrad (Duchi, Hazan, Singer: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011).
//!
//! ```text
//! g    = gradient + weightDecay * p
//! sum += g^2                                            (from initialAccumulator on)
//! p   -= learningRate / (1 + step * learningRateDecay) * g / (sqrt(sum) + epsilon)      (step from 0)
//! ```
//!
//! torch.optim.Adagrad's form and its defaults: sum from 0, epsilon 1e-10 outside of the root. (Keras and TensorFlow start the sum
//! at 0.1.)

use serde::{Deserialize, Serialize};

use super::{Moment, StepScalars, check_epsilon, check_not_negative};
use crate::error::Result;
use crate::math::Scalar;

/// Options of Adagrad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adagrad {
    /// Added to the root, at least 1e-30.
    pub epsilon: f64,
    /// What the sum of squares starts from, at least 0.
    pub initial_accumulator: f64,
    /// Decay of the learning rate for each step done, at least 0.
    pub learning_rate_decay: f64,
    /// L2 penalty, at least 0.
    pub weight_decay: f64,
}

impl Adagrad {
    pub(super) fn validate(&self) -> Result<()> {
        check_epsilon(self.epsilon)?;
        check_not_negative("optimizer.initialAccumulator", self.initial_accumulator)?;
        check_not_negative("optimizer.learningRateDecay", self.learning_rate_decay)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        vec![Moment { name: "sum", initial: self.initial_accumulator }]
    }

    /// The learning rate after `step` steps.
    pub(super) fn decayed(&self, step: u64, learning_rate: f64) -> f64 {
        learning_rate / (1.0 + step as f64 * self.learning_rate_decay)
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        let [sum] = moments else { panic!("Adagrad keeps the sum of squares") };
        let (rate, decay, epsilon) = (R::from_f64(step.learning_rate), R::from_f64(self.weight_decay), R::from_f64(self.epsilon));
        for ((p, &g), s) in parameters.iter_mut().zip(gradients).zip(sum.iter_mut()) {
            let g = g * scale + decay * *p;
            *s += g * g;
            *p = *p - rate * g / (s.sqrt() + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: Adagrad = Adagrad { epsilon: 1e-10, initial_accumulator: 0.0, learning_rate_decay: 0.0, weight_decay: 0.0 };

    /// The parameter after steps with gradients 3 and 4, from p = 1 with rate 0.5.
    fn two_steps(adagrad: Adagrad) -> [f64; 2] {
        let spec = OptimizerSpec::Adagrad(adagrad);
        let (mut p, mut sum) = ([1.0], [spec.moments()[0].initial]);
        [(0, 3.0), (1, 4.0)].map(|(step, g)| {
            spec.apply(&spec.scalars(step, 0.5), 1.0, &mut p, &[g], &mut [&mut sum[..]]);
            p[0]
        })
    }

    fn assert_close(got: [f64; 2], want: [f64; 2]) {
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-9), "got {got:?}, expected {want:?}");
    }

    #[test]
    fn steps_shrink_with_the_sum_of_squares() {
        assert_close(two_steps(PLAIN), [0.5, 0.5 - 0.5 * 4.0 / 5.0]);
    }

    #[test]
    fn the_sum_starts_from_the_initial_accumulator() {
        let first = 1.0 - 0.5 * 3.0 / 4.0;
        assert_close(two_steps(Adagrad { initial_accumulator: 7.0, ..PLAIN }), [first, first - 0.5 * 4.0 / 32f64.sqrt()]);
    }

    #[test]
    fn the_rate_decays_from_the_second_step_on() {
        assert_close(two_steps(Adagrad { learning_rate_decay: 1.0, ..PLAIN }), [0.5, 0.5 - 0.25 * 4.0 / 5.0]);
    }

    #[test]
    fn epsilon_stands_outside_of_the_root() {
        assert_close(two_steps(Adagrad { epsilon: 1.0, ..PLAIN }), [1.0 - 1.5 / 4.0, 1.0 - 1.5 / 4.0 - 2.0 / 6.0]);
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let field = |adagrad: Adagrad| adagrad.validate().unwrap_err().data().field.unwrap();
        assert_eq!(field(Adagrad { epsilon: 0.0, ..PLAIN }), "optimizer.epsilon");
        assert_eq!(field(Adagrad { initial_accumulator: -1.0, ..PLAIN }), "optimizer.initialAccumulator");
        assert_eq!(field(Adagrad { learning_rate_decay: f64::INFINITY, ..PLAIN }), "optimizer.learningRateDecay");
        assert_eq!(field(Adagrad { weight_decay: -0.1, ..PLAIN }), "optimizer.weightDecay");
    }
}
