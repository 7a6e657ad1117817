//! Stochastic gradient descent (Robbins, Monro 1951) with momentum (Polyak 1964; Sutskever et al., ICML 2013).
//!
//! ```text
//! g   = gradient + weightDecay * p
//! buf = momentum * buf + (1 - dampening) * g      (the first time: buf = g)
//! p  -= learningRate * buf                        (nesterov: learningRate * (g + momentum * buf))
//! ```
//!
//! torch.optim.SGD's form, all options 0 or off by default there: the learning rate stands outside of the buffer, so a new rate
//! acts on all of it at once. (Keras keeps the old rates inside; the two agree while the rate is constant.)

use serde::{Deserialize, Serialize};

use super::{Moment, StepScalars, check_fraction, check_not_negative};
use crate::error::{Error, Result};
use crate::math::Scalar;

/// Options of stochastic gradient descent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sgd {
    /// Share of the buffer that is kept, [0, 1); 0: no buffer.
    pub momentum: f64,
    /// Share of a new gradient that does not enter the buffer, [0, 1]; 0 without momentum and with `nesterov`.
    pub dampening: f64,
    /// Look ahead along the buffer; needs momentum.
    pub nesterov: bool,
    /// L2 penalty, at least 0.
    pub weight_decay: f64,
}

impl Sgd {
    pub(super) fn validate(&self) -> Result<()> {
        check_fraction("optimizer.momentum", self.momentum)?;
        check_not_negative("optimizer.weightDecay", self.weight_decay)?;
        if !(0.0..=1.0).contains(&self.dampening) {
            return Err(Error::invalid("optimizer.dampening", self.dampening, "a number from 0 to 1"));
        }
        if self.dampening > 0.0 && (self.momentum == 0.0 || self.nesterov) {
            return Err(Error::invalid("optimizer.dampening", self.dampening, "0 without momentum and with nesterov"));
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::invalid("optimizer.nesterov", true, "false, or momentum above 0"));
        }
        Ok(())
    }

    pub(super) fn moments(&self) -> Vec<Moment> {
        if self.momentum > 0.0 { vec![Moment { name: "momentum_buffer", initial: 0.0 }] } else { Vec::new() }
    }

    #[inline(always)]
    pub(super) fn apply<R: Scalar>(&self, step: &StepScalars, scale: R, parameters: &mut [R], gradients: &[R], moments: &mut [&mut [R]]) {
        let (rate, decay) = (R::from_f64(step.learning_rate), R::from_f64(self.weight_decay));
        match moments {
            [] => {
                for (p, &g) in parameters.iter_mut().zip(gradients) {
                    *p = *p - rate * (g * scale + decay * *p);
                }
            }
            [buffer] if self.nesterov => self.momentum_step::<R, true>(step, scale, parameters, gradients, buffer),
            [buffer] => self.momentum_step::<R, false>(step, scale, parameters, gradients, buffer),
            _ => panic!("SGD keeps a momentum buffer or nothing"),
        }
    }

    #[inline(always)]
    fn momentum_step<R: Scalar, const NESTEROV: bool>(
        &self,
        step: &StepScalars,
        scale: R,
        parameters: &mut [R],
        gradients: &[R],
        buffer: &mut [R],
    ) {
        let (rate, decay, momentum) = (R::from_f64(step.learning_rate), R::from_f64(self.weight_decay), R::from_f64(self.momentum));
        // The buffer starts at zero, so a share of 1 makes it the gradient itself.
        let share = R::from_f64(if step.first { 1.0 } else { 1.0 - self.dampening });
        for ((p, &g), b) in parameters.iter_mut().zip(gradients).zip(buffer) {
            let g = g * scale + decay * *p;
            *b = momentum * *b + share * g;
            *p = *p - rate * if NESTEROV { g + momentum * *b } else { *b };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::OptimizerSpec;

    const PLAIN: Sgd = Sgd { momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };

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

    #[test]
    fn options_that_would_be_ignored_or_diverge_are_refused() {
        let field = |sgd: Sgd| sgd.validate().unwrap_err().data().field.unwrap();
        assert_eq!(field(Sgd { momentum: 1.0, ..PLAIN }), "optimizer.momentum");
        assert_eq!(field(Sgd { nesterov: true, ..PLAIN }), "optimizer.nesterov");
        assert_eq!(field(Sgd { dampening: 0.5, ..PLAIN }), "optimizer.dampening");
        assert_eq!(field(Sgd { momentum: 0.5, dampening: 0.5, nesterov: true, ..PLAIN }), "optimizer.dampening");
        assert_eq!(field(Sgd { weight_decay: f64::NAN, ..PLAIN }), "optimizer.weightDecay");
    }
}
