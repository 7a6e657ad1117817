//! Stochastic gradient descent (Robbins, Monro 1951) with momentum (Polyak 1964; Sutskever et al., ICML 2013).
//!
//! ```text
//! g   = gradient + weightDecay * p
//! buf = momentum * buf + (1 - dampening) * g      (the first time: buf = g)
//! p  -= learningRate * buf                        (nesterov: learningRate * (g + momentum * buf))
//! ```
//!
//! torch.optim.SGD's form, all options 0 or off by default there: the learning rate stands outside of the buffer, so a new rate
//! acts on all of it at once. TensorFlow 1's MomentumOptimizer is the same, without dampening and weight decay. Keras keeps the
//! old rates inside, and decays weights apart from the gradient:
//!
//! ```text
//! p *= 1 - learningRate * weightDecay
//! v  = momentum * v - learningRate * gradient
//! p += v                                          (nesterov: momentum * v - learningRate * gradient)
//! ```

use serde::{Deserialize, Serialize};

use super::{Decay, Flavour, Moment, StepScalars, check_fraction, check_not_negative};
use crate::error::{Error, Result};
use crate::math::Scalar;

/// Options of stochastic gradient descent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sgd {
    /// Whose form; PyTorch's where it is left out.
    #[serde(default)]
    pub flavour: Flavour,
    /// Share of the buffer that is kept, [0, 1); 0: no buffer.
    pub momentum: f64,
    /// Share of a new gradient that does not enter the buffer, [0, 1]; 0 without momentum, with `nesterov`, and in other flavours than
    /// PyTorch's.
    pub dampening: f64,
    /// Look ahead along the buffer; needs momentum.
    pub nesterov: bool,
    /// L2 penalty; in Keras's flavour the share of a parameter lost in a step of learning rate 1. At least 0; 0 in TensorFlow 1's.
    pub weight_decay: f64,
}

/// What one step takes, in every flavour:
///
/// ```text
/// g   = gradient + penalty * p
/// buf = momentum * buf + share * g
/// p   = shrink * p - rate * buf       (nesterov: rate * (momentum * buf + share * g); without a buffer: rate * share * g)
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdNumbers {
    /// Weight decay.
    pub decay: Decay,
    /// Share of the buffer that is kept.
    pub momentum: f64,
    /// Factor of a new gradient in the buffer.
    pub share: f64,
    /// Factor of what is subtracted.
    pub rate: f64,
}

impl Sgd {
    pub(super) fn validate(&self) -> Result<()> {
        check_fraction("optimizer.momentum", self.momentum)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)?;
        self.flavour.check_option("optimizer.weightDecay", self.weight_decay, &[Flavour::PyTorch, Flavour::Keras])?;
        if !(0.0..=1.0).contains(&self.dampening) {
            return Err(Error::invalid("optimizer.dampening", self.dampening, "a number from 0 to 1"));
        }
        self.flavour.check_option("optimizer.dampening", self.dampening, &[Flavour::PyTorch])?;
        if self.dampening > 0.0 && (self.momentum == 0.0 || self.nesterov) {
            return Err(Error::invalid("optimizer.dampening", self.dampening, "0 without momentum and with nesterov"));
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::invalid("optimizer.nesterov", true, "false, or momentum above 0"));
        }
        Ok(())
    }

    /// Keras's velocity holds other numbers than a buffer of gradients, so it has its own name.
    pub(super) fn moments(&self) -> Vec<Moment> {
        let name = if self.flavour == Flavour::Keras { "velocity" } else { "momentum_buffer" };
        if self.momentum > 0.0 { vec![Moment { name, initial: 0.0 }] } else { Vec::new() }
    }

    /// The numbers of one step.
    pub fn numbers(&self, step: &StepScalars) -> SgdNumbers {
        let learning_rate = step.learning_rate;
        let (share, rate) = match self.flavour {
            // The buffer starts at zero, so a share of 1 makes it the gradient itself.
            Flavour::PyTorch | Flavour::Tf1 => (if step.first { 1.0 } else { 1.0 - self.dampening }, learning_rate),
            // The velocity is what is added.
            Flavour::Keras => (-learning_rate, -1.0),
        };
        SgdNumbers { decay: self.flavour.decay(learning_rate, self.weight_decay), momentum: self.momentum, share, rate }
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        let numbers = self.numbers(step);
        match moments {
            [] => {
                let (shrink, penalty) = (R::from_f64(numbers.decay.shrink), R::from_f64(numbers.decay.penalty));
                let rate = R::from_f64(numbers.rate * numbers.share);
                for (p, &g) in parameters.iter_mut().zip(gradients) {
                    *p = *p * shrink - rate * (g * scale + penalty * *p);
                }
            }
            [buffer] if self.nesterov => momentum_step::<R, true>(&numbers, scale, parameters, gradients, buffer),
            [buffer] => momentum_step::<R, false>(&numbers, scale, parameters, gradients, buffer),
            _ => panic!("SGD keeps a momentum buffer or nothing"),
        }
    }
}

#[inline(always)]
fn momentum_step<R: Scalar, const NESTEROV: bool>(numbers: &SgdNumbers, scale: R, parameters: &mut [R], gradients: &[R], buffer: &mut [R]) {
    let (shrink, penalty) = (R::from_f64(numbers.decay.shrink), R::from_f64(numbers.decay.penalty));
    let (momentum, share, rate) = (R::from_f64(numbers.momentum), R::from_f64(numbers.share), R::from_f64(numbers.rate));
    for ((p, &g), b) in parameters.iter_mut().zip(gradients).zip(buffer) {
        let new = share * (g * scale + penalty * *p);
        *b = momentum * *b + new;
        *p = *p * shrink - rate * if NESTEROV { new + momentum * *b } else { *b };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: Sgd = Sgd { flavour: Flavour::PyTorch, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };

    /// Two steps from p = 1 with gradients 2 and 4, rate 0.5 then 0.25.
    fn two_steps(sgd: Sgd) -> [f64; 2] {
        let spec = OptimizerSpec::Sgd(sgd);
        let (mut p, mut buffer) = ([1.0], vec![[0.0]; spec.moments().len()]);
        [(0.5, 2.0), (0.25, 4.0)].map(|(rate, g)| {
            let step = spec.scalars(if rate == 0.5 { 0 } else { 1 }, rate);
            let mut moments: Vec<&mut [f64]> = buffer.iter_mut().map(|b| &mut b[..]).collect();
            spec.apply(&step, 1.0, &mut p, &[g], &mut moments);
            p[0]
        })
    }

    #[test]
    fn plain_descent_subtracts_rate_times_gradient() {
        assert_eq!(two_steps(PLAIN), [0.0, -1.0]);
    }

    #[test]
    fn weight_decay_is_added_to_the_gradient() {
        assert_eq!(two_steps(Sgd { weight_decay: 0.5, ..PLAIN }), [-0.25, -0.25 - 0.25 * (4.0 - 0.125)]);
    }

    #[test]
    fn a_new_rate_acts_on_the_whole_buffer() {
        assert_eq!(two_steps(Sgd { momentum: 0.5, ..PLAIN }), [0.0, -0.25 * (1.0 + 4.0)]);
    }

    #[test]
    fn dampening_spares_the_first_gradient() {
        assert_eq!(two_steps(Sgd { momentum: 0.5, dampening: 0.75, ..PLAIN }), [0.0, -0.25 * (1.0 + 1.0)]);
    }

    #[test]
    fn nesterov_looks_ahead() {
        assert_eq!(two_steps(Sgd { momentum: 0.5, nesterov: true, ..PLAIN }), [-0.5, -0.5 - 0.25 * (4.0 + 0.5 * 5.0)]);
    }

    const KERAS: Sgd = Sgd { flavour: Flavour::Keras, ..PLAIN };

    #[test]
    fn keras_keeps_the_old_rates_in_its_velocity() {
        // v is -1, then -0.5 - 1.
        assert_eq!(two_steps(Sgd { momentum: 0.5, ..KERAS }), [0.0, -1.5]);
        // The first adds -0.5 - 1, the second -0.75 - 1.
        assert_eq!(two_steps(Sgd { momentum: 0.5, nesterov: true, ..KERAS }), [-0.5, -0.5 - 1.75]);
    }

    #[test]
    fn keras_decays_weights_apart_from_the_gradient() {
        assert_eq!(two_steps(Sgd { weight_decay: 0.5, ..KERAS }), [0.75 - 1.0, -0.25 * 0.875 - 1.0]);
        // The velocity, -1 then -1.5, knows nothing of the decay.
        assert_eq!(two_steps(Sgd { momentum: 0.5, weight_decay: 0.5, ..KERAS }), [-0.25, -0.25 * 0.875 - 1.5]);
    }

    #[test]
    fn tensorflow_1_has_pytorchs_momentum() {
        for nesterov in [false, true] {
            let momentum = Sgd { momentum: 0.5, nesterov, ..PLAIN };
            assert_eq!(two_steps(Sgd { flavour: Flavour::Tf1, ..momentum }), two_steps(momentum));
        }
    }

    #[test]
    fn options_that_would_be_ignored_or_diverge_are_refused() {
        let field = |sgd: Sgd| sgd.validate().unwrap_err().data().field.unwrap();
        assert_eq!(field(Sgd { momentum: 1.0, ..PLAIN }), "optimizer.momentum");
        assert_eq!(field(Sgd { nesterov: true, ..PLAIN }), "optimizer.nesterov");
        assert_eq!(field(Sgd { dampening: 0.5, ..PLAIN }), "optimizer.dampening");
        assert_eq!(field(Sgd { momentum: 0.5, dampening: 0.5, nesterov: true, ..PLAIN }), "optimizer.dampening");
        assert_eq!(field(Sgd { weight_decay: f64::NAN, ..PLAIN }), "optimizer.weightDecay");
        assert_eq!(field(Sgd { momentum: 0.5, dampening: 0.5, ..KERAS }), "optimizer.dampening");
        assert_eq!(field(Sgd { flavour: Flavour::Tf1, weight_decay: 0.1, ..PLAIN }), "optimizer.weightDecay");
    }
}
