//! Compares a model's gradients, as its own device works them out, with central differences of the oracle's loss in f64:
//! dL/dp = (L(p + ε) - L(p - ε)) / 2ε, for some drawn parameters of each tensor.
//!
//! The window starts from zero carry and nothing is dropped; batch normalisation takes the window's statistics, as in training. A ReLU has
//! no derivative at 0: a parameter whose ε pushes some unit across it differs by more than rounding.

use std::sync::atomic::AtomicBool;

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::layout::Tensor;
use crate::math::Scalar;
use crate::reference::Reference;
use crate::rng::{Key, Stream};
use crate::session::{OwnWindow, Session};

/// What a parameter is moved by: small enough for the cubic term, about ε², and large enough for the rounding of f64, about 1e-16/ε.
const EPSILON: f64 = 1e-5;
/// Gradients below this share of the largest in their tensor count as that large: f32 sums are rounded by about 1e-6 of the largest.
const SMALL: f64 = 1e-2;
/// And below this absolute size, where central differences of a loss near 1 are rounding themselves.
const TINY: f64 = 1e-7;

/// What to check on.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRequest {
    /// With targets.
    pub window: OwnWindow,
    /// Parameters drawn of each tensor; all of a smaller one.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Bytes that the oracle may take.
    pub memory_limit: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientCheck {
    /// The largest [`error`] found.
    pub largest_error: f64,
    /// Where.
    pub worst: Checked,
    /// Parameters that were checked.
    pub checked: usize,
}

/// One parameter's two gradients.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Name of its tensor.
    pub tensor: String,
    /// Its place in the tensor, row-major.
    pub index: usize,
    /// As the device has it.
    pub analytic: f64,
    /// By central differences.
    pub numeric: f64,
}

/// |analytic - numeric| / max(|analytic|, |numeric|, 0.01 · `largest`, 1e-7).
///
/// `largest`: the largest gradient of the tensor, in size.
pub fn error(analytic: f64, numeric: f64, largest: f64) -> f64 {
    (analytic - numeric).abs() / analytic.abs().max(numeric.abs()).max(SMALL * largest).max(TINY)
}

/// Checks the gradients of a session's model with its present parameters, which stay as they are.
pub fn check<B: Backend>(session: &mut Session<B>, request: &CheckRequest, abort: &AtomicBool) -> Result<GradientCheck> {
    let (_, gradients) = loss_and_gradients(session, request, abort)?;
    let gradients: Vec<f64> = gradients.into_iter().map(Scalar::to_f64).collect();
    let parameters: Vec<f64> = session.parameters()?.into_iter().map(Scalar::to_f64).collect();
    let mut oracle = Session::new(Reference::<f64>::new(), &session.plan().spec, request.memory_limit)?;
    compare(&mut oracle, parameters, &gradients, request, abort)
}

/// Holds gradients against the central differences of an oracle's loss.
fn compare(
    oracle: &mut Session<Reference<f64>>,
    mut parameters: Vec<f64>,
    gradients: &[f64],
    request: &CheckRequest,
    abort: &AtomicBool,
) -> Result<GradientCheck> {
    let mut checked = 0;
    let mut worst: Option<(f64, Checked)> = None;
    for (number, tensor) in oracle.plan().params.trained().to_vec().iter().enumerate() {
        let analytic = &gradients[tensor.range()];
        let largest = analytic.iter().fold(0.0, |largest: f64, gradient| largest.max(gradient.abs()));
        let key = Key::stream(request.seed, Stream::GradientCheck, number as u32);
        for index in drawn(tensor, analytic, request.draws, key) {
            let numeric = central_difference(oracle, &mut parameters, tensor.offset + index, request, abort)?;
            let error = error(analytic[index], numeric, largest);
            checked += 1;
            if worst.as_ref().is_none_or(|(most, _)| error > *most) {
                worst = Some((error, Checked { tensor: tensor.name.clone(), index, analytic: analytic[index], numeric }));
            }
        }
    }
    let (largest_error, worst) = worst.ok_or_else(|| Error::invalid("draws", request.draws, "at least 1 of a model with parameters"))?;
    Ok(GradientCheck { largest_error, worst, checked })
}

/// Places in a tensor. Of many symbols a window has few, whose weights alone have gradients: every other draw goes on to the next such.
fn drawn(tensor: &Tensor, gradients: &[f64], draws: usize, key: Key) -> Vec<usize> {
    let len = tensor.len();
    if len <= draws {
        return (0..len).collect();
    }
    let draw = |number: usize| {
        let first = (key.uniform(number as u64) * len as f64) as usize;
        let next = (0..len).map(|on| (first + on) % len).find(|&at| gradients[at] != 0.0);
        if number.is_multiple_of(2) { first } else { next.unwrap_or(first) }
    };
    (0..draws).map(draw).collect()
}

fn central_difference(
    oracle: &mut Session<Reference<f64>>,
    parameters: &mut [f64],
    at: usize,
    request: &CheckRequest,
    abort: &AtomicBool,
) -> Result<f64> {
    let value = parameters[at];
    let mut loss_at = |moved: f64| {
        parameters[at] = moved;
        oracle.set_parameters(parameters)?;
        Ok(loss_and_gradients(oracle, request, abort)?.0)
    };
    let losses = [loss_at(value + EPSILON), loss_at(value - EPSILON)];
    parameters[at] = value;
    let [above, below] = losses;
    Ok((above? - below?) / (2.0 * EPSILON))
}

fn loss_and_gradients<B: Backend>(session: &mut Session<B>, request: &CheckRequest, abort: &AtomicBool) -> Result<(f64, Vec<B::Real>)> {
    let shown = session.inspect_own(&request.window, true, Vec::new(), abort)?;
    let loss = shown.report.map_or(f64::NAN, |report| report.loss);
    if !loss.is_finite() || !shown.gradients.iter().all(|gradient| gradient.is_finite()) {
        return Err(Error::NonFinite { what: format!("the loss is {loss}, or a gradient is not finite") });
    }
    Ok((loss, shown.gradients))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::InitSpec;
    use crate::spec::ModelSpec;
    use crate::window::Sequence;

    fn spec(layers: &str, predict: &str) -> ModelSpec {
        let json = format!(
            r#"{{"input":{{"kind":"embedding","vocabulary":6,"size":3}},"layers":[{layers}],
                 "head":{{"predict":"{predict}","size":6}},"loss":{{"kind":"crossEntropy"}}}}"#
        );
        serde_json::from_str(&json).expect("a model")
    }

    fn request() -> CheckRequest {
        let ids = (0..24).map(|i| i * i % 6).collect();
        let window = OwnWindow { sequence: Sequence::shifted(ids), lanes: 2, time: 7, starts: vec![0, 11], lengths: None };
        CheckRequest { window, draws: 6, seed: 1, memory_limit: u64::MAX }
    }

    fn session<R: Scalar>(spec: &ModelSpec) -> Session<Reference<R>> {
        let mut session = Session::new(Reference::new(), spec, u64::MAX).expect("a session");
        session.initialize(&InitSpec::Pytorch, 3, &[], &AtomicBool::new(false)).expect("initial values");
        session
    }

    const LAYERS: [(&str, &str); 4] = [
        (r#"{"kind":"recurrent","cell":"lstm","size":4},{"kind":"recurrent","cell":"lstm","size":3}"#, "everyStep"),
        (r#"{"kind":"recurrent","cell":"gru","size":5}"#, "everyStep"),
        (r#"{"kind":"batchNorm"},{"kind":"recurrent","cell":"elmanTanhSeparate","size":4}"#, "everyStep"),
        (r#"{"kind":"recurrent","cell":"gru","size":3,"bidirectional":true},{"kind":"dense","size":4,"activation":"tanh"}"#, "lastStep"),
    ];

    #[test]
    fn gradients_are_those_of_central_differences_in_f32_and_more_so_in_f64() {
        for (layers, predict) in LAYERS {
            let spec = spec(layers, predict);
            let abort = AtomicBool::new(false);
            let single = check(&mut session::<f32>(&spec), &request(), &abort).expect("a check");
            let double = check(&mut session::<f64>(&spec), &request(), &abort).expect("a check");
            assert!(single.largest_error < 1e-4, "{layers}: {single:?}");
            assert!(double.largest_error < 1e-6, "{layers}: {double:?}");
            assert!(single.checked >= 6 * 5, "{layers}: {single:?}");
        }
    }

    #[test]
    fn a_wrong_gradient_is_found_and_named() {
        let spec = spec(LAYERS[1].0, LAYERS[1].1);
        let abort = AtomicBool::new(false);
        let (mut model, all) = (session::<f64>(&spec), CheckRequest { draws: usize::MAX, ..request() });
        let (_, mut gradients) = loss_and_gradients(&mut model, &all, &abort).expect("gradients");
        let tensor = model.plan().params.tensor("weight_hh_l0").expect("a tensor").clone();
        gradients[tensor.offset + 7] *= 1.1;
        let parameters = model.parameters().expect("parameters");
        let found = compare(&mut model, parameters, &gradients, &all, &abort).expect("a check");
        assert_eq!((found.worst.tensor.as_str(), found.worst.index), ("weight_hh_l0", 7));
        assert!((found.largest_error - 1.0 / 11.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found.checked, model.plan().params.parameters());
    }

    #[test]
    fn small_gradients_are_measured_by_the_largest_of_their_tensor() {
        assert_eq!(error(0.0, 0.0, 0.0), 0.0);
        assert!((error(1.0, 1.1, 1.0) - 0.1 / 1.1).abs() < 1e-15);
        assert!((error(1e-6, 0.0, 1.0) - 1e-4).abs() < 1e-15);
        assert!((error(1e-12, 0.0, 0.0) - 1e-5).abs() < 1e-15);
    }

    #[test]
    fn the_check_leaves_the_model_and_its_data_as_they_were() {
        let spec = spec(LAYERS[0].0, LAYERS[0].1);
        let mut model = session::<f32>(&spec);
        let before = model.parameters().expect("parameters");
        check(&mut model, &request(), &AtomicBool::new(false)).expect("a check");
        assert_eq!(model.parameters().expect("parameters"), before);
        let stopped = check(&mut model, &request(), &AtomicBool::new(true));
        assert_eq!(stopped, Err(Error::Aborted));
    }
}
