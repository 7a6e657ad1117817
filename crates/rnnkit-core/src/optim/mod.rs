//! Optimizers: what each keeps for a parameter (its moments) and how one step changes a slice.
//!
//! All are elementwise over flat buffers, so threads may take any pieces. Numbers that hold for a whole step (the learning rate,
//! bias corrections) are made once in f64: in f32, `1 - 0.999^t` is off by up to 5e-5 of itself. Rules and names are PyTorch's, the rules
//! also Keras's and TensorFlow 1's ([`Flavour`]): a step's numbers say what differs, so that all flavours share a loop.

mod adagrad;
mod adam;
mod flavour;
mod guard;
mod rmsprop;
mod sgd;

use serde::{Deserialize, Serialize};

pub use adagrad::{Adagrad, AdagradNumbers};
pub use adam::{Adam, AdamNumbers};
pub use flavour::{Decay, Epsilon, Flavour};
pub use guard::guarded;
pub use rmsprop::{RmsProp, RmsPropNumbers};
pub use sgd::{Sgd, SgdNumbers};

use crate::error::{Error, Result};
use crate::math::Scalar;

/// An optimizer with all its options but the learning rate, which comes with each step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent, with or without momentum.
    Sgd(Sgd),
    /// Adagrad.
    Adagrad(Adagrad),
    /// RMSprop.
    RmsProp(RmsProp),
    /// Adam; weight decay is added to the gradient (L2), but in Keras's flavour.
    Adam(Adam),
    /// AdamW: Adam with decoupled weight decay.
    AdamW(Adam),
}

/// One number that an optimizer keeps for each parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// PyTorch's name (`exp_avg`), but for Keras's `velocity`.
    pub name: &'static str,
    /// Its value before the first step; padding starts with it too.
    pub initial: f64,
}

/// What holds for all parameters of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepScalars {
    /// The step's learning rate (Adagrad: already decayed).
    pub learning_rate: f64,
    /// Adam's 1 - beta1^t, t from 1; else 1.
    pub bias1: f64,
    /// Adam's 1 - beta2^t; else 1.
    pub bias2: f64,
    /// The first step since the moments were set to their initial values.
    pub first: bool,
}

impl OptimizerSpec {
    /// Refuses values out of their range (`optimizer.momentum`, …).
    pub fn validate(&self) -> Result<()> {
        match self {
            OptimizerSpec::Sgd(sgd) => sgd.validate(),
            OptimizerSpec::Adagrad(adagrad) => adagrad.validate(),
            OptimizerSpec::RmsProp(rmsprop) => rmsprop.validate(),
            OptimizerSpec::Adam(adam) => adam.validate(false),
            OptimizerSpec::AdamW(adam) => adam.validate(true),
        }
    }

    /// The moments to keep, in the order in which [`OptimizerSpec::apply`] wants them.
    pub fn moments(&self) -> Vec<Moment> {
        match self {
            OptimizerSpec::Sgd(sgd) => sgd.moments(),
            OptimizerSpec::Adagrad(adagrad) => adagrad.moments(),
            OptimizerSpec::RmsProp(rmsprop) => rmsprop.moments(),
            OptimizerSpec::Adam(adam) | OptimizerSpec::AdamW(adam) => adam.moments(),
        }
    }

    /// The scalars of one step. `step`: steps done since the moments were fresh, 0 for the first.
    pub fn scalars(&self, step: u64, learning_rate: f64) -> StepScalars {
        let plain = StepScalars { learning_rate, bias1: 1.0, bias2: 1.0, first: step == 0 };
        match self {
            OptimizerSpec::Sgd(_) | OptimizerSpec::RmsProp(_) => plain,
            OptimizerSpec::Adagrad(adagrad) => StepScalars { learning_rate: adagrad.decayed(step, learning_rate), ..plain },
            OptimizerSpec::Adam(adam) | OptimizerSpec::AdamW(adam) => {
                let (bias1, bias2) = adam.bias_corrections(step);
                StepScalars { bias1, bias2, ..plain }
            }
        }
    }

    /// One step over a slice: all have the same length, `moments` one slice for each of [`OptimizerSpec::moments`], in that order.
    ///
    /// Gradients are multiplied by `gradient_scale` first (clipping by norm). Padding, where parameter and gradient are 0, stays 0.
    /// Inlined, so that a caller compiled for an instruction set gets its loops vectorised for it.
    #[inline(always)]
    pub fn apply<R: Scalar>(
        &self,
        scalars: &StepScalars,
        gradient_scale: R,
        parameters: &mut [R],
        gradients: &[R],
        moments: &mut [&mut [R]],
    ) {
        let n = parameters.len();
        assert!(gradients.len() == n && moments.iter().all(|m| m.len() == n), "parameters, gradients and moments are of one length");
        match self {
            OptimizerSpec::Sgd(sgd) => sgd.apply(scalars, gradient_scale, parameters, gradients, moments),
            OptimizerSpec::Adagrad(adagrad) => adagrad.apply(scalars, gradient_scale, parameters, gradients, moments),
            OptimizerSpec::RmsProp(rmsprop) => rmsprop.apply(scalars, gradient_scale, parameters, gradients, moments),
            OptimizerSpec::Adam(adam) => adam.apply(false, scalars, gradient_scale, parameters, gradients, moments),
            OptimizerSpec::AdamW(adam) => adam.apply(true, scalars, gradient_scale, parameters, gradients, moments),
        }
    }
}

/// A share or coefficient in [0, 1).
fn check_fraction(field: &str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(Error::invalid(field, value, "a number of at least 0 and below 1")) }
}

/// A finite number from 0 on.
fn check_not_negative(field: &str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() { Ok(()) } else { Err(Error::invalid(field, value, "a finite number of at least 0")) }
}

/// What f32 can tell from 0.
const SMALLEST: f64 = 1e-30;

/// An epsilon that f32 can tell from 0: without it a parameter that never had a gradient would become 0/0.
fn check_epsilon(value: f64) -> Result<()> {
    if value >= SMALLEST && value.is_finite() {
        Ok(())
    } else {
        Err(Error::invalid("optimizer.epsilon", value, "a finite number of at least 1e-30"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<OptimizerSpec> {
        [
            r#"{"kind":"sgd","momentum":0,"dampening":0,"nesterov":false,"weightDecay":0.1}"#,
            r#"{"kind":"sgd","momentum":0.9,"dampening":0.5,"nesterov":false,"weightDecay":0}"#,
            r#"{"kind":"sgd","momentum":0.9,"dampening":0,"nesterov":true,"weightDecay":0}"#,
            r#"{"kind":"adagrad","epsilon":1e-10,"initialAccumulator":0.1,"learningRateDecay":0.01,"weightDecay":0}"#,
            r#"{"kind":"rmsprop","alpha":0.99,"epsilon":1e-8,"momentum":0,"centered":false,"weightDecay":0}"#,
            r#"{"kind":"rmsprop","alpha":0.99,"epsilon":1e-8,"momentum":0.9,"centered":true,"weightDecay":0}"#,
            r#"{"kind":"adam","beta1":0.9,"beta2":0.999,"epsilon":1e-8,"amsgrad":true,"weightDecay":0.1}"#,
            r#"{"kind":"adamw","beta1":0.9,"beta2":0.999,"epsilon":1e-8,"amsgrad":false,"weightDecay":0.1}"#,
            r#"{"kind":"sgd","flavour":"keras","momentum":0.9,"dampening":0,"nesterov":true,"weightDecay":0.1}"#,
            r#"{"kind":"adagrad","flavour":"tf1","epsilon":0,"initialAccumulator":0.1,"learningRateDecay":0,"weightDecay":0}"#,
            r#"{"kind":"rmsprop","flavour":"tf1","alpha":0.9,"epsilon":1e-10,"initialMeanSquare":1,"momentum":0.9,"centered":true,"weightDecay":0}"#,
            r#"{"kind":"adam","flavour":"keras","beta1":0.9,"beta2":0.999,"epsilon":1e-7,"amsgrad":true,"weightDecay":0.1}"#,
        ]
        .map(|json| serde_json::from_str(json).unwrap())
        .to_vec()
    }

    fn run(spec: &OptimizerSpec, scale: f32, piece: usize) -> Vec<f32> {
        let gradient = |step: u64, i: usize| if i == 0 { 0.0 } else { ((i as f32 + step as f32) * 0.7).sin() };
        let mut parameters: Vec<f32> = (0..37).map(|i| i as f32 * 0.1).collect();
        let mut moments: Vec<Vec<f32>> = spec.moments().iter().map(|m| vec![m.initial as f32; 37]).collect();
        for step in 0..4 {
            let gradients: Vec<f32> = (0..37).map(|i| gradient(step, i) / scale).collect();
            let scalars = spec.scalars(step, 0.05);
            for start in (0..37).step_by(piece) {
                let range = start..37.min(start + piece);
                let mut slices: Vec<&mut [f32]> = moments.iter_mut().map(|m| &mut m[range.clone()]).collect();
                spec.apply(&scalars, scale, &mut parameters[range.clone()], &gradients[range.clone()], &mut slices);
            }
        }
        parameters
    }

    #[test]
    fn the_pieces_a_buffer_is_cut_into_do_not_matter() {
        for spec in all() {
            assert_eq!(run(&spec, 1.0, 37), run(&spec, 1.0, 5), "{spec:?}");
        }
    }

    #[test]
    fn the_clip_scale_multiplies_the_gradients() {
        for spec in all() {
            assert_eq!(run(&spec, 1.0, 37), run(&spec, 0.5, 37), "{spec:?}");
        }
    }

    #[test]
    fn padding_stays_zero_and_the_rest_moves() {
        for spec in all() {
            let parameters = run(&spec, 1.0, 37);
            assert_eq!(parameters[0], 0.0, "{spec:?}");
            assert!(parameters.iter().skip(1).enumerate().all(|(i, &p)| p != (i + 1) as f32 * 0.1), "{spec:?}");
        }
    }

    #[test]
    fn a_spec_survives_json() {
        for spec in all() {
            spec.validate().unwrap();
            let again: OptimizerSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
            assert_eq!(spec, again);
        }
    }

    #[test]
    fn a_spec_without_a_flavour_is_pytorchs() {
        let without = r#"{"kind":"rmsprop","alpha":0.9,"epsilon":1e-8,"momentum":0,"centered":false,"weightDecay":0}"#;
        let with = without.replace("\"alpha\"", "\"flavour\":\"pytorch\",\"initialMeanSquare\":0,\"alpha\"");
        let parse = |json: &str| serde_json::from_str::<OptimizerSpec>(json).unwrap();
        assert_eq!(parse(without), parse(&with));
    }

    #[test]
    fn an_unknown_or_a_missing_option_is_refused() {
        let full = r#"{"kind":"sgd","momentum":0,"dampening":0,"nesterov":false,"weightDecay":0"#;
        assert!(serde_json::from_str::<OptimizerSpec>(&format!("{full}}}")).is_ok());
        assert!(serde_json::from_str::<OptimizerSpec>(&format!("{full},\"learningRate\":1}}")).is_err());
        assert!(serde_json::from_str::<OptimizerSpec>(r#"{"kind":"sgd"}"#).is_err());
    }
}
