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
//! outside of the buffer. (Keras and TensorFlow: alpha 0.9, epsilon inside of the root; TensorFlow 1 starts square_avg at 1.)

use serde::{Deserialize, Serialize};

use super::{Moment, StepScalars, check_epsilon, check_fraction, check_not_negative};
use crate::error::Result;
use crate::math::Scalar;

/// Options of RMSprop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RmsProp {
    /// Share of the old averages that is kept, [0, 1).
    pub alpha: f64,
    /// Added to the root, at least 1e-30.
    pub epsilon: f64,
    /// Share of the buffer that is kept, [0, 1); 0: no buffer.
    pub momentum: f64,
    /// Divide by the standard deviation instead of the root mean square.
    pub centered: bool,
    /// L2 penalty, at least 0.
    pub weight_decay: f64,
}

impl RmsProp {
    pub(super) fn validate(&self) -> Result<()> {
        check_fraction("optimizer.alpha", self.alpha)?;
        check_epsilon(self.epsilon)?;
        check_fraction("optimizer.momentum", self.momentum)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        let used = [("square_avg", true), ("momentum_buffer", self.momentum > 0.0), ("grad_avg", self.centered)];
        used.iter().filter(|(_, used)| *used).map(|&(name, _)| Moment { name, initial: 0.0 }).collect()
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        match moments {
            [square] => self.update::<R, false, false>(step, scale, parameters, gradients, square, &mut [], &mut []),
            [square, mean] if self.centered => self.update::<R, false, true>(step, scale, parameters, gradients, square, &mut [], mean),
            [square, buffer] => self.update::<R, true, false>(step, scale, parameters, gradients, square, buffer, &mut []),
            [square, buffer, mean] => self.update::<R, true, true>(step, scale, parameters, gradients, square, buffer, mean),
            _ => panic!("RMSprop keeps one to three moments"),
        }
    }

    /// `buffer` and `mean` are empty where `MOMENTUM` and `CENTERED` do not ask for them.
    #[inline(always)]
    fn update<R: Scalar, const MOMENTUM: bool, const CENTERED: bool>(
        &self,
        step: &StepScalars,
        scale: R,
        parameters: &mut [R],
        gradients: &[R],
        square: &mut [R],
        buffer: &mut [R],
        mean: &mut [R],
    ) {
        let (rate, decay, epsilon) = (R::from_f64(step.learning_rate), R::from_f64(self.weight_decay), R::from_f64(self.epsilon));
        let (kept, new, momentum) = (R::from_f64(self.alpha), R::from_f64(1.0 - self.alpha), R::from_f64(self.momentum));
        // Slices of one known length spare the loop its bounds checks.
        let n = parameters.len();
        let (gradients, square) = (&gradients[..n], &mut square[..n]);
        let buffer = if MOMENTUM { &mut buffer[..n] } else { buffer };
        let mean = if CENTERED { &mut mean[..n] } else { mean };
        for i in 0..n {
            let g = gradients[i] * scale + decay * parameters[i];
            square[i] = kept * square[i] + new * g * g;
            let mut variance = square[i];
            if CENTERED {
                mean[i] = kept * mean[i] + new * g;
                // Never negative but for rounding, whose root would be NaN.
                variance = (variance - mean[i] * mean[i]).relu();
            }
            let mut change = g / (variance.sqrt() + epsilon);
            if MOMENTUM {
                change = momentum * buffer[i] + change;
                buffer[i] = change;
            }
            parameters[i] = parameters[i] - rate * change;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: RmsProp = RmsProp { alpha: 0.75, epsilon: 0.5, momentum: 0.0, centered: false, weight_decay: 0.0 };

    /// The parameter after each step with gradients 2 and -1, from p = 1 with rate 0.5.
    fn two_steps(rmsprop: RmsProp) -> [f64; 2] {
        let spec = OptimizerSpec::RmsProp(rmsprop);
        let (mut p, mut kept) = ([1.0], vec![[0.0]; spec.moments().len()]);
        [(0, 2.0), (1, -1.0)].map(|(step, g)| {
            let mut moments: Vec<&mut [f64]> = kept.iter_mut().map(|m| &mut m[..]).collect();
            spec.apply(&spec.scalars(step, 0.5), 1.0, &mut p, &[g], &mut moments);
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
    }
}
