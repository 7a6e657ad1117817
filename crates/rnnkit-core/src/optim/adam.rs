//! Adam (Kingma, Ba: "Adam: A Method for Stochastic Optimization", ICLR 2015), AMSGrad (Reddi, Kale, Kumar, ICLR 2018) and
//! AdamW (Loshchilov, Hutter: "Decoupled Weight Decay Regularization", ICLR 2019).
//!
//! ```text
//! g          = gradient + weightDecay * p                       (Adam)
//! p         *= 1 - learningRate * weightDecay                   (AdamW instead)
//! exp_avg    = beta1 * exp_avg + (1 - beta1) * g
//! exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * g^2           (amsgrad: its largest value so far stands below)
//! p         -= learningRate * (exp_avg / bias1) / (sqrt(exp_avg_sq / bias2) + epsilon),     bias = 1 - beta^t, t from 1
//! ```
//!
//! torch.optim's forms and defaults: betas 0.9 and 0.999, epsilon 1e-8 added to the corrected root, weight decay 0 (AdamW 0.01).
//! Keras and TensorFlow 1 add epsilon, 1e-7 and 1e-8, to the uncorrected root:
//!
//! ```text
//! p -= learningRate * sqrt(bias2) / bias1 * exp_avg / (sqrt(exp_avg_sq) + epsilon)
//! ```
//!
//! Keras decays weights apart from the gradient in Adam too (AdamW by 0.004 unless told); TensorFlow 1 has neither weight decay nor
//! AMSGrad nor AdamW.

use serde::{Deserialize, Serialize};

use super::{Decay, Flavour, Moment, StepScalars, check_epsilon, check_fraction, check_not_negative};
use crate::error::{Error, Result};
use crate::math::Scalar;

/// Options of Adam and AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adam {
    /// Whose form; PyTorch's where it is left out.
    #[serde(default)]
    pub flavour: Flavour,
    /// Share of the old mean gradient that is kept, [0, 1).
    pub beta1: f64,
    /// Share of the old mean square that is kept, [0, 1).
    pub beta2: f64,
    /// Added to the root, at least 1e-30.
    pub epsilon: f64,
    /// Divide by the largest mean square so far; off in TensorFlow 1's flavour.
    pub amsgrad: bool,
    /// PyTorch's Adam: L2 penalty; AdamW, and Keras's Adam: share of a parameter lost in a step of learning rate 1. At least 0; 0 in
    /// TensorFlow 1's flavour.
    pub weight_decay: f64,
}

/// What one step takes, in every flavour:
///
/// ```text
/// g = gradient + penalty * p
/// p = shrink * p - rate * exp_avg / (sqrt(exp_avg_sq) * root_scale + epsilon)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamNumbers {
    /// Weight decay.
    pub decay: Decay,
    /// Share of the old mean gradient that is kept.
    pub kept1: f64,
    /// Share of the new one.
    pub new1: f64,
    /// Share of the old mean square that is kept.
    pub kept2: f64,
    /// Share of the new one.
    pub new2: f64,
    /// The learning rate over the first bias correction.
    pub rate: f64,
    /// What corrects the root.
    pub root_scale: f64,
    /// Epsilon beside the corrected root.
    pub epsilon: f64,
}

impl Adam {
    pub(super) fn validate(&self, decoupled: bool) -> Result<()> {
        if self.flavour == Flavour::Tf1 && decoupled {
            return Err(Error::invalid("optimizer.flavour", "'tf1'", "'pytorch' or 'keras': TensorFlow 1 has no AdamW"));
        }
        if self.flavour == Flavour::Tf1 && self.amsgrad {
            return Err(Error::invalid("optimizer.amsgrad", true, "false in flavour 'tf1'"));
        }
        check_fraction("optimizer.beta1", self.beta1)?;
        check_fraction("optimizer.beta2", self.beta2)?;
        check_epsilon(self.epsilon)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)?;
        self.flavour.check_option("optimizer.weightDecay", self.weight_decay, &[Flavour::PyTorch, Flavour::Keras])
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        let names = ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];
        names[..2 + usize::from(self.amsgrad)].iter().map(|name| Moment { name, initial: 0.0 }).collect()
    }

    /// 1 - beta^t of both, after `step` steps (t = step + 1).
    pub(super) fn bias_corrections(&self, step: u64) -> (f64, f64) {
        let t = step as f64 + 1.0;
        (1.0 - self.beta1.powf(t), 1.0 - self.beta2.powf(t))
    }

    /// The numbers of one step. `decoupled`: of AdamW.
    pub fn numbers(&self, decoupled: bool, step: &StepScalars) -> AdamNumbers {
        let (learning_rate, root_scale) = (step.learning_rate, 1.0 / step.bias2.sqrt());
        let decay = if decoupled {
            Decay::decoupled(learning_rate, self.weight_decay)
        } else {
            self.flavour.decay(learning_rate, self.weight_decay)
        };
        // What is added to the uncorrected root is corrected with it.
        let epsilon = if self.flavour == Flavour::PyTorch { self.epsilon } else { self.epsilon * root_scale };
        AdamNumbers {
            decay,
            kept1: self.beta1,
            new1: 1.0 - self.beta1,
            kept2: self.beta2,
            new2: 1.0 - self.beta2,
            rate: learning_rate / step.bias1,
            root_scale,
            epsilon,
        }
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(
        &self,
        decoupled: bool,
        step: &StepScalars,
        scale: R,
        parameters: &mut [R],
        gradients: &[R],
        moments: &mut [&mut [R]],
    ) {
        let numbers = self.numbers(decoupled, step);
        match moments {
            [mean, square] => numbers.update::<R, false>(scale, parameters, gradients, mean, square, &mut []),
            [mean, square, largest] => numbers.update::<R, true>(scale, parameters, gradients, mean, square, largest),
            _ => panic!("Adam keeps two moments, with amsgrad three"),
        }
    }
}

impl AdamNumbers {
    /// `largest` is empty unless `AMSGRAD`.
    #[inline(always)]
    fn update<R: Scalar, const AMSGRAD: bool>(
        &self,
        scale: R,
        parameters: &mut [R],
        gradients: &[R],
        mean: &mut [R],
        square: &mut [R],
        largest: &mut [R],
    ) {
        let (shrink, penalty) = (R::from_f64(self.decay.shrink), R::from_f64(self.decay.penalty));
        let (kept1, new1) = (R::from_f64(self.kept1), R::from_f64(self.new1));
        let (kept2, new2) = (R::from_f64(self.kept2), R::from_f64(self.new2));
        let (rate, root_scale, epsilon) = (R::from_f64(self.rate), R::from_f64(self.root_scale), R::from_f64(self.epsilon));
        // Slices of one known length spare the loop its bounds checks.
        let n = parameters.len();
        let (gradients, mean, square) = (&gradients[..n], &mut mean[..n], &mut square[..n]);
        let largest = if AMSGRAD { &mut largest[..n] } else { largest };
        for i in 0..n {
            let g = gradients[i] * scale + penalty * parameters[i];
            mean[i] = kept1 * mean[i] + new1 * g;
            square[i] = kept2 * square[i] + new2 * g * g;
            let mut below = square[i];
            if AMSGRAD {
                below = largest[i].max(below);
                largest[i] = below;
            }
            parameters[i] = parameters[i] * shrink - rate * mean[i] / (below.sqrt() * root_scale + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: Adam = Adam { flavour: Flavour::PyTorch, beta1: 0.5, beta2: 0.75, epsilon: 1e-8, amsgrad: false, weight_decay: 0.0 };

    /// The parameter after steps with gradients 4 and 1, from p = 1 with rate 0.5.
    fn two_steps(spec: OptimizerSpec) -> [f64; 2] {
        let (mut p, mut kept) = ([1.0], vec![[0.0]; spec.moments().len()]);
        [(0, 4.0), (1, 1.0)].map(|(step, g)| {
            let mut moments: Vec<&mut [f64]> = kept.iter_mut().map(|m| &mut m[..]).collect();
            spec.apply(&spec.scalars(step, 0.5), 1.0, &mut p, &[g], &mut moments);
            p[0]
        })
    }

    fn assert_close(got: [f64; 2], want: [f64; 2]) {
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-8), "got {got:?}, expected {want:?}");
    }

    // exp_avg is 2, then 1.5; exp_avg_sq is 4, then 3.25; bias1 is 1/2, then 3/4; bias2 is 1/4, then 7/16.
    fn second() -> f64 {
        0.5 * (1.5 / 0.75) / (3.25f64 * 16.0 / 7.0).sqrt()
    }

    #[test]
    fn the_first_step_is_the_learning_rate_whatever_the_gradient() {
        assert_close(two_steps(OptimizerSpec::Adam(PLAIN)), [0.5, 0.5 - second()]);
    }

    #[test]
    fn epsilon_is_added_to_the_corrected_root() {
        let [first, _] = two_steps(OptimizerSpec::Adam(Adam { epsilon: 1.0, ..PLAIN }));
        assert_eq!(first, 1.0 - 0.5 * 4.0 / (4.0 + 1.0));
    }

    #[test]
    fn keras_and_tensorflow_1_add_epsilon_to_the_uncorrected_root() {
        for flavour in [Flavour::Keras, Flavour::Tf1] {
            let [first, _] = two_steps(OptimizerSpec::Adam(Adam { flavour, epsilon: 1.0, ..PLAIN }));
            assert_eq!(first, 1.0 - 0.5 * (0.25f64.sqrt() / 0.5) * 2.0 / (2.0 + 1.0));
        }
    }

    #[test]
    fn amsgrad_divides_by_the_largest_mean_square() {
        let got = two_steps(OptimizerSpec::Adam(Adam { amsgrad: true, ..PLAIN }));
        assert_close(got, [0.5, 0.5 - 0.5 * (1.5 / 0.75) / (4.0f64 * 16.0 / 7.0).sqrt()]);
    }

    #[test]
    fn adamw_shrinks_the_parameter_apart_from_the_gradient() {
        let got = two_steps(OptimizerSpec::AdamW(Adam { weight_decay: 0.5, ..PLAIN }));
        assert_close(got, [0.75 - 0.5, (0.75 - 0.5) * 0.75 - second()]);
    }

    #[test]
    fn keras_decouples_the_weight_decay_of_adam_too() {
        let keras = Adam { flavour: Flavour::Keras, weight_decay: 0.5, ..PLAIN };
        assert_eq!(two_steps(OptimizerSpec::Adam(keras)), two_steps(OptimizerSpec::AdamW(keras)));
        assert_close(two_steps(OptimizerSpec::Adam(keras)), [0.75 - 0.5, (0.75 - 0.5) * 0.75 - second()]);
    }

    #[test]
    fn adam_adds_the_penalty_to_the_gradient() {
        // g = 4 + 4 * 1 = 8: the first step is still the learning rate; then g = 1 + 4 * 0.5 = 3.
        let (mean, square) = (0.5 * 4.0 + 1.5, 0.75 * 16.0 + 0.25 * 9.0);
        let second = 0.5 * (mean / 0.75) / (square * 16.0 / 7.0f64).sqrt();
        assert_close(two_steps(OptimizerSpec::Adam(Adam { weight_decay: 4.0, ..PLAIN })), [0.5, 0.5 - second]);
    }

    #[test]
    fn bias_corrections_keep_their_digits_and_end_at_one() {
        let spec = OptimizerSpec::Adam(Adam { beta1: 0.9, beta2: 0.999, ..PLAIN });
        let first = spec.scalars(0, 1.0);
        assert!(first.first && (first.bias1 - 0.1).abs() < 1e-15 && (first.bias2 - 0.001).abs() < 1e-15);
        let late = spec.scalars(1 << 40, 1.0);
        assert!(!late.first && late.bias1 == 1.0 && late.bias2 == 1.0);
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let field = |adam: Adam| adam.validate(false).unwrap_err().data().field.unwrap();
        assert_eq!(field(Adam { beta1: 1.0, ..PLAIN }), "optimizer.beta1");
        assert_eq!(field(Adam { beta2: -0.1, ..PLAIN }), "optimizer.beta2");
        assert_eq!(field(Adam { epsilon: 0.0, ..PLAIN }), "optimizer.epsilon");
        assert_eq!(field(Adam { weight_decay: f64::INFINITY, ..PLAIN }), "optimizer.weightDecay");
        let tf1 = Adam { flavour: Flavour::Tf1, ..PLAIN };
        tf1.validate(false).unwrap();
        assert_eq!(field(Adam { weight_decay: 0.1, ..tf1 }), "optimizer.weightDecay");
        assert_eq!(field(Adam { amsgrad: true, ..tf1 }), "optimizer.amsgrad");
        assert_eq!(tf1.validate(true).unwrap_err().data().field.unwrap(), "optimizer.flavour");
    }
}
