//! Adagrad (Duchi, Hazan, Singer: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011).
//!
//! ```text
//! g    = gradient + weightDecay * p
//! sum += g^2                                            (from initialAccumulator on)
//! p   -= learningRate / (1 + step * learningRateDecay) * g / (sqrt(sum) + epsilon)      (step from 0)
//! ```
//!
//! torch.optim.Adagrad's form and its defaults: sum from 0, epsilon 1e-10 outside of the root. Keras and TensorFlow 1 divide by
//! `sqrt(sum + epsilon)`, do not decay the rate, and start the sum at 0.1; the defaults of epsilon are 1e-7 and, in TensorFlow 1, 0.
//! Keras decays weights apart from the gradient, `p *= 1 - learningRate * weightDecay`; TensorFlow 1 does not.

use serde::{Deserialize, Serialize};

use super::{Decay, Epsilon, Flavour, Moment, SMALLEST, StepScalars, check_epsilon, check_not_negative};
use crate::error::Result;
use crate::math::Scalar;

/// Options of Adagrad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adagrad {
    /// Whose form; PyTorch's where it is left out.
    #[serde(default)]
    pub flavour: Flavour,
    /// Added to the root, or under it; at least 1e-30, or 0 where the sum starts from at least that.
    pub epsilon: f64,
    /// What the sum of squares starts from, at least 0.
    pub initial_accumulator: f64,
    /// Decay of the learning rate for each step done, at least 0; 0 in other flavours than PyTorch's.
    pub learning_rate_decay: f64,
    /// L2 penalty; in Keras's flavour the share of a parameter lost in a step of learning rate 1. At least 0; 0 in TensorFlow 1's.
    pub weight_decay: f64,
}

/// What one step takes, in every flavour: `g = gradient + penalty * p`, `sum += g^2`,
/// `p = shrink * p - rate * g / (sqrt(sum + inside) + outside)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdagradNumbers {
    /// Weight decay.
    pub decay: Decay,
    /// Epsilon.
    pub epsilon: Epsilon,
    /// The learning rate.
    pub rate: f64,
}

impl Adagrad {
    pub(super) fn validate(&self) -> Result<()> {
        check_not_negative("optimizer.initialAccumulator", self.initial_accumulator)?;
        if self.epsilon != 0.0 || self.initial_accumulator < SMALLEST {
            check_epsilon(self.epsilon)?;
        }
        check_not_negative("optimizer.learningRateDecay", self.learning_rate_decay)?;
        self.flavour.check_option("optimizer.learningRateDecay", self.learning_rate_decay, &[Flavour::PyTorch])?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)?;
        self.flavour.check_option("optimizer.weightDecay", self.weight_decay, &[Flavour::PyTorch, Flavour::Keras])
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        vec![Moment { name: "sum", initial: self.initial_accumulator }]
    }

    /// The learning rate after `step` steps.
    pub(super) fn decayed(&self, step: u64, learning_rate: f64) -> f64 {
        learning_rate / (1.0 + step as f64 * self.learning_rate_decay)
    }

    /// The numbers of one step.
    pub fn numbers(&self, step: &StepScalars) -> AdagradNumbers {
        let rate = step.learning_rate;
        AdagradNumbers { decay: self.flavour.decay(rate, self.weight_decay), epsilon: self.flavour.epsilon(self.epsilon), rate }
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        let [sum] = moments else { panic!("Adagrad keeps the sum of squares") };
        let AdagradNumbers { decay, epsilon, rate } = self.numbers(step);
        let (shrink, penalty) = (R::from_f64(decay.shrink), R::from_f64(decay.penalty));
        let (inside, outside, rate) = (R::from_f64(epsilon.inside), R::from_f64(epsilon.outside), R::from_f64(rate));
        for ((p, &g), s) in parameters.iter_mut().zip(gradients).zip(sum.iter_mut()) {
            let g = g * scale + penalty * *p;
            *s += g * g;
            *p = *p * shrink - rate * g / ((*s + inside).sqrt() + outside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: Adagrad =
        Adagrad { flavour: Flavour::PyTorch, epsilon: 1e-10, initial_accumulator: 0.0, learning_rate_decay: 0.0, weight_decay: 0.0 };

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
    fn keras_and_tensorflow_1_add_epsilon_under_the_root() {
        for flavour in [Flavour::Keras, Flavour::Tf1] {
            let first = 1.0 - 1.5 / 16f64.sqrt();
            assert_close(two_steps(Adagrad { flavour, epsilon: 7.0, ..PLAIN }), [first, first - 2.0 / 32f64.sqrt()]);
        }
    }

    #[test]
    fn keras_decays_weights_apart_from_the_gradient() {
        let first = 0.75 - 0.5;
        assert_close(two_steps(Adagrad { flavour: Flavour::Keras, weight_decay: 0.5, ..PLAIN }), [first, first * 0.75 - 2.0 / 5.0]);
    }

    #[test]
    fn a_sum_that_starts_above_zero_needs_no_epsilon() {
        let tf1 = Adagrad { flavour: Flavour::Tf1, epsilon: 0.0, initial_accumulator: 7.0, ..PLAIN };
        tf1.validate().unwrap();
        let first = 1.0 - 1.5 / 4.0;
        assert_close(two_steps(tf1), [first, first - 2.0 / 32f64.sqrt()]);
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let field = |adagrad: Adagrad| adagrad.validate().unwrap_err().data().field.unwrap();
        assert_eq!(field(Adagrad { epsilon: 0.0, ..PLAIN }), "optimizer.epsilon");
        assert_eq!(field(Adagrad { initial_accumulator: -1.0, ..PLAIN }), "optimizer.initialAccumulator");
        assert_eq!(field(Adagrad { learning_rate_decay: f64::INFINITY, ..PLAIN }), "optimizer.learningRateDecay");
        assert_eq!(field(Adagrad { weight_decay: -0.1, ..PLAIN }), "optimizer.weightDecay");
        assert_eq!(field(Adagrad { epsilon: -1.0, initial_accumulator: 0.1, ..PLAIN }), "optimizer.epsilon");
        assert_eq!(field(Adagrad { flavour: Flavour::Keras, learning_rate_decay: 0.1, ..PLAIN }), "optimizer.learningRateDecay");
        assert_eq!(field(Adagrad { flavour: Flavour::Tf1, weight_decay: 0.1, ..PLAIN }), "optimizer.weightDecay");
    }
}
