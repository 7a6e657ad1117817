//! RMSprop (Tieleman, Hinton: "Neural Networks for Machine Learning", lecture 6.5, 2012; centered: Graves, arXiv:1308.0850).
//!
//! ```text
//! g          = gradient + weightDecay * p
//! square_avg = alpha * square_avg + (1 - alpha) * g^2
//! grad_avg   = alpha * grad_avg + (1 - alpha) * g                      (centered only)
//! d          = g / (sqrt(square_avg - grad_avg^2) + epsilon)           (grad_avg = 0 unless centered)
//! p         -= learningRate * d                                        (momentum: buf = momentum * buf + d; p -= learningRate * buf)
//! ```
//!
//! torch.optim.RMSprop's form and its defaults: alpha 0.99, epsilon 1e-8 outside of the root, averages from 0, the learning rate
//! outside of the buffer. Keras and TensorFlow 1 have epsilon under the root and the learning rate inside of the buffer:
//!
//! ```text
//! d = learningRate * g / sqrt(square_avg - grad_avg^2 + epsilon)
//! p -= d                                                               (momentum: buf = momentum * buf + d; p -= buf)
//! ```
//!
//! Their alpha, named rho and decay there, is 0.9, epsilon 1e-7 and 1e-10, and TensorFlow 1 starts square_avg at 1. Keras decays
//! weights apart from the gradient, `p *= 1 - learningRate * weightDecay`; TensorFlow 1 does not.

use serde::{Deserialize, Serialize};

use super::{Decay, Epsilon, Flavour, Moment, StepScalars, check_epsilon, check_fraction, check_not_negative};
use crate::error::Result;
use crate::math::Scalar;

/// Options of RMSprop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RmsProp {
    /// Whose form; PyTorch's where it is left out.
    #[serde(default)]
    pub flavour: Flavour,
    /// Share of the old averages that is kept, [0, 1).
    pub alpha: f64,
    /// Added to the root, or under it, at least 1e-30.
    pub epsilon: f64,
    /// What the mean of squares starts from, at least 0; 0 where it is left out.
    #[serde(default)]
    pub initial_mean_square: f64,
    /// Share of the buffer that is kept, [0, 1); 0: no buffer.
    pub momentum: f64,
    /// Divide by the standard deviation instead of the root mean square.
    pub centered: bool,
    /// L2 penalty; in Keras's flavour the share of a parameter lost in a step of learning rate 1. At least 0; 0 in TensorFlow 1's.
    pub weight_decay: f64,
}

/// What one step takes, in every flavour: as in the module's text, but for
///
/// ```text
/// g = gradient + penalty * p
/// d = inner_rate * g / (sqrt(square_avg - grad_avg^2 + inside) + outside)
/// p = shrink * p - rate * d                                            (momentum: rate * buf)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsPropNumbers {
    /// Weight decay.
    pub decay: Decay,
    /// Epsilon.
    pub epsilon: Epsilon,
    /// Share of the old averages that is kept.
    pub kept: f64,
    /// Share of the new ones.
    pub new: f64,
    /// Share of the buffer that is kept.
    pub momentum: f64,
    /// Factor of what enters the buffer.
    pub inner_rate: f64,
    /// Factor of what is subtracted.
    pub rate: f64,
}

impl RmsProp {
    pub(super) fn validate(&self) -> Result<()> {
        check_fraction("optimizer.alpha", self.alpha)?;
        check_epsilon(self.epsilon)?;
        check_not_negative("optimizer.initialMeanSquare", self.initial_mean_square)?;
        check_fraction("optimizer.momentum", self.momentum)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)?;
        self.flavour.check_option("optimizer.weightDecay", self.weight_decay, &[Flavour::PyTorch, Flavour::Keras])
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        let used = [
            ("square_avg", self.initial_mean_square, true),
            ("momentum_buffer", 0.0, self.momentum > 0.0),
            ("grad_avg", 0.0, self.centered),
        ];
        used.iter().filter(|(.., used)| *used).map(|&(name, initial, _)| Moment { name, initial }).collect()
    }

    /// The numbers of one step.
    pub fn numbers(&self, step: &StepScalars) -> RmsPropNumbers {
        let learning_rate = step.learning_rate;
        let (inner_rate, rate) = match self.flavour {
            Flavour::PyTorch => (1.0, learning_rate),
            Flavour::Keras | Flavour::Tf1 => (learning_rate, 1.0),
        };
        RmsPropNumbers {
            decay: self.flavour.decay(learning_rate, self.weight_decay),
            epsilon: self.flavour.epsilon(self.epsilon),
            kept: self.alpha,
            new: 1.0 - self.alpha,
            momentum: self.momentum,
            inner_rate,
            rate,
        }
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        let numbers = self.numbers(step);
        match moments {
            [square] => numbers.update::<R, false, false>(scale, parameters, gradients, square, &mut [], &mut []),
            [square, mean] if self.centered => numbers.update::<R, false, true>(scale, parameters, gradients, square, &mut [], mean),
            [square, buffer] => numbers.update::<R, true, false>(scale, parameters, gradients, square, buffer, &mut []),
            [square, buffer, mean] => numbers.update::<R, true, true>(scale, parameters, gradients, square, buffer, mean),
            _ => panic!("RMSprop keeps one to three moments"),
        }
    }
}

impl RmsPropNumbers {
    /// `buffer` and `mean` are empty where `MOMENTUM` and `CENTERED` do not ask for them.
    #[inline(always)]
    fn update<R: Scalar, const MOMENTUM: bool, const CENTERED: bool>(
        &self,
        scale: R,
        parameters: &mut [R],
        gradients: &[R],
        square: &mut [R],
        buffer: &mut [R],
        mean: &mut [R],
    ) {
        let (shrink, penalty) = (R::from_f64(self.decay.shrink), R::from_f64(self.decay.penalty));
        let (inside, outside) = (R::from_f64(self.epsilon.inside), R::from_f64(self.epsilon.outside));
        let (kept, new, momentum) = (R::from_f64(self.kept), R::from_f64(self.new), R::from_f64(self.momentum));
        let (inner_rate, rate) = (R::from_f64(self.inner_rate), R::from_f64(self.rate));
        // Slices of one known length spare the loop its bounds checks.
        let n = parameters.len();
        let (gradients, square) = (&gradients[..n], &mut square[..n]);
        let buffer = if MOMENTUM { &mut buffer[..n] } else { buffer };
        let mean = if CENTERED { &mut mean[..n] } else { mean };
        for i in 0..n {
            let g = gradients[i] * scale + penalty * parameters[i];
            square[i] = kept * square[i] + new * g * g;
            let mut variance = square[i];
            if CENTERED {
                mean[i] = kept * mean[i] + new * g;
                // Never negative but for rounding, whose root would be NaN.
                variance = (variance - mean[i] * mean[i]).relu();
            }
            let mut change = inner_rate * g / ((variance + inside).sqrt() + outside);
            if MOMENTUM {
                change = momentum * buffer[i] + change;
                buffer[i] = change;
            }
            parameters[i] = parameters[i] * shrink - rate * change;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: RmsProp = RmsProp {
        flavour: Flavour::PyTorch,
        alpha: 0.75,
        epsilon: 0.5,
        initial_mean_square: 0.0,
        momentum: 0.0,
        centered: false,
        weight_decay: 0.0,
    };

    /// The parameter after each step with gradients 2 and -1, from p = 1 with rates 0.5.
    fn two_steps(rmsprop: RmsProp) -> [f64; 2] {
        two_steps_with([0.5, 0.5], rmsprop)
    }

    fn two_steps_with([first, second]: [f64; 2], rmsprop: RmsProp) -> [f64; 2] {
        let spec = OptimizerSpec::RmsProp(rmsprop);
        let mut p = [1.0];
        let mut kept: Vec<[f64; 1]> = spec.moments().iter().map(|m| [m.initial]).collect();
        [(0, first, 2.0), (1, second, -1.0)].map(|(step, rate, g)| {
            let mut moments: Vec<&mut [f64]> = kept.iter_mut().map(|m| &mut m[..]).collect();
            spec.apply(&spec.scalars(step, rate), 1.0, &mut p, &[g], &mut moments);
            p[0]
        })
    }

    fn assert_close(got: [f64; 2], want: [f64; 2]) {
        assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-12), "got {got:?}, expected {want:?}");
    }

    // square_avg is 0.25 * 4 = 1, then 0.75 * 1 + 0.25 * 1 = 1; grad_avg is 0.25 * 2 = 0.5, then 0.375 - 0.25 = 0.125.
    const FIRST: f64 = 2.0 / 1.5;
    const SECOND: f64 = -1.0 / 1.5;

    #[test]
    fn steps_are_divided_by_the_root_mean_square() {
        assert_close(two_steps(PLAIN), [1.0 - 0.5 * FIRST, 1.0 - 0.5 * (FIRST + SECOND)]);
    }

    #[test]
    fn momentum_gathers_divided_gradients() {
        let second = 0.9 * FIRST + SECOND;
        assert_close(two_steps(RmsProp { momentum: 0.9, ..PLAIN }), [1.0 - 0.5 * FIRST, 1.0 - 0.5 * (FIRST + second)]);
    }

    #[test]
    fn centered_takes_the_mean_out_with_and_without_momentum() {
        let (first, second) = (2.0 / (0.75f64.sqrt() + 0.5), -1.0 / ((1.0 - 1.0 / 64.0f64).sqrt() + 0.5));
        let centered = RmsProp { centered: true, ..PLAIN };
        assert_close(two_steps(centered), [1.0 - 0.5 * first, 1.0 - 0.5 * (first + second)]);
        let both = [1.0 - 0.5 * first, 1.0 - 0.5 * (first + 0.9 * first + second)];
        assert_close(two_steps(RmsProp { momentum: 0.9, ..centered }), both);
    }

    #[test]
    fn keras_and_tensorflow_1_have_epsilon_under_the_root_and_rates_in_the_buffer() {
        let root = 1.5f64.sqrt();
        let (first, second) = (0.5 * 2.0 / root, -0.25 / root);
        for flavour in [Flavour::Keras, Flavour::Tf1] {
            let plain = RmsProp { flavour, ..PLAIN };
            assert_close(two_steps_with([0.5, 0.25], plain), [1.0 - first, 1.0 - first - second]);
            let momentum = [1.0 - first, 1.0 - first - (0.9 * first + second)];
            assert_close(two_steps_with([0.5, 0.25], RmsProp { momentum: 0.9, ..plain }), momentum);
            let (first, second) = (0.5 * 2.0 / 1.25f64.sqrt(), -0.5 / (1.5 - 1.0 / 64.0f64).sqrt());
            assert_close(two_steps(RmsProp { centered: true, ..plain }), [1.0 - first, 1.0 - first - second]);
        }
    }

    #[test]
    fn the_mean_of_squares_starts_from_its_initial_value() {
        // square_avg is 0.75 + 1, then 0.75 * 1.75 + 0.25.
        let (first, second) = (2.0 / (1.75f64.sqrt() + 0.5), -1.0 / (1.5625f64.sqrt() + 0.5));
        assert_close(two_steps(RmsProp { initial_mean_square: 1.0, ..PLAIN }), [1.0 - 0.5 * first, 1.0 - 0.5 * (first + second)]);
    }

    #[test]
    fn keras_decays_weights_apart_from_the_gradient() {
        let (first, second) = (0.5 * 2.0 / 1.5f64.sqrt(), -0.5 / 1.5f64.sqrt());
        let decayed = 0.75 - first;
        assert_close(two_steps(RmsProp { flavour: Flavour::Keras, weight_decay: 0.5, ..PLAIN }), [decayed, 0.75 * decayed - second]);
    }

    #[test]
    fn a_steady_gradient_never_makes_the_centered_root_nan() {
        let spec = OptimizerSpec::RmsProp(RmsProp { alpha: 0.5, epsilon: 1e-8, centered: true, ..PLAIN });
        let (mut p, mut square, mut mean) = ([1.0f32; 64], [0.0; 64], [0.0; 64]);
        let gradients: Vec<f32> = (0..64).map(|i| 0.1 + i as f32 * 0.037).collect();
        for step in 0..200 {
            spec.apply(&spec.scalars(step, 1e-9), 1.0, &mut p, &gradients, &mut [&mut square[..], &mut mean[..]]);
        }
        assert!(p.iter().all(|x| x.is_finite()), "{p:?}");
    }

    #[test]
    fn moments_have_pytorch_names() {
        let names = |rmsprop: RmsProp| rmsprop.moments().iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names(PLAIN), ["square_avg"]);
        assert_eq!(names(RmsProp { momentum: 0.5, centered: true, ..PLAIN }), ["square_avg", "momentum_buffer", "grad_avg"]);
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let field = |rmsprop: RmsProp| rmsprop.validate().unwrap_err().data().field.unwrap();
        assert_eq!(field(RmsProp { alpha: 1.0, ..PLAIN }), "optimizer.alpha");
        assert_eq!(field(RmsProp { epsilon: f64::NAN, ..PLAIN }), "optimizer.epsilon");
        assert_eq!(field(RmsProp { momentum: -0.1, ..PLAIN }), "optimizer.momentum");
        assert_eq!(field(RmsProp { initial_mean_square: -1.0, ..PLAIN }), "optimizer.initialMeanSquare");
        assert_eq!(field(RmsProp { flavour: Flavour::Tf1, weight_decay: 0.1, ..PLAIN }), "optimizer.weightDecay");
    }
}
