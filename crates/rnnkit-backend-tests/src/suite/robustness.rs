//! Aborts and numbers that are not finite: whatever happens, what stood before the window stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::math::Scalar;
use rnnkit_core::optim::{Flavour, OptimizerSpec, Sgd};
use rnnkit_core::session::{TrainedCall, TrainingSetup};
use rnnkit_core::spec::{Activation, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict};

use super::Make;
use super::models::{CELLS, Sample, Sizes, head, recurrent, symbols};
use super::training::{Trainer, training_samples};
use crate::window::{SGD, real};

/// The flag is up before the call.
pub fn an_abort_beforehand_changes_nothing<B: Backend>(make: Make<'_, B>) {
    for sample in &training_samples() {
        let mut trainer = Trainer::new(make(), sample);
        trainer.train(0, 1, 0.02);
        let before = trainer.state();
        let call = trainer.session.train(&trainer.request(1, 3, 0.02), &AtomicBool::new(true)).expect("an abort is no error");
        assert_eq!((call.reports.len(), call.applied, call.aborted), (0, 0, true), "{}", sample.name);
        trainer.state().assert_same(&before, &sample.name);
    }
}

/// The flag goes up somewhere inside: what stands then is what so many whole windows leave, and training goes on from there.
pub fn an_abort_in_between_leaves_whole_windows<B: Backend>(make: Make<'_, B>) {
    const WINDOWS: usize = 60;
    let sizes = Sizes { lanes: 4, time: 25, windows: WINDOWS };
    let sample = Sample::new("aborted", symbols(CellKind::Lstm, 11, &[24, 24]), sizes);
    until_interrupted([0, 100, 300, 1000, 3000, 10_000].map(Duration::from_micros), |delay| {
        let mut trainer = Trainer::new(make(), &sample);
        let call = interrupt(&mut trainer, WINDOWS, delay);
        assert!(call.aborted || call.applied == WINDOWS);
        assert_eq!(call.milliseconds.len(), call.applied, "a time of each whole window");
        let mut whole = Trainer::new(make(), &sample);
        if call.applied > 0 {
            whole.train(0, call.applied, 0.01);
        }
        trainer.state().assert_same(&whole.state(), &format!("after {} windows", call.applied));
        if call.applied < WINDOWS {
            trainer.train(call.applied, 1, 0.01);
            whole.train(call.applied, 1, 0.01);
            trainer.state().assert_same(&whole.state(), "going on after an abort");
        }
        call.aborted
    });
}

/// Wherever a call was interrupted, the next one trains what was written in between, and no weights of before.
pub fn parameters_written_after_an_abort_are_those_that_train<B: Backend>(make: Make<'_, B>) {
    let sizes = Sizes { lanes: 4, time: 25, windows: 60 };
    let sample = Sample::new("written after an abort", symbols(CellKind::Lstm, 11, &[24]), sizes);
    let want = Trainer::new(make(), &sample).train(0, 1, 0.01).reports[0].nats;
    let (parameters, carry) = (real::<B>(&sample.parameters), real::<B>(&sample.carry));
    let others: Vec<B::Real> = parameters.iter().rev().copied().collect();
    let mut trainer = Trainer::new(make(), &sample);
    let delays: [Duration; 16] = std::array::from_fn(|attempt| Duration::from_micros(100).mul_f64(1.45f64.powi(attempt as i32)));
    until_interrupted(delays, |delay| {
        trainer.session.set_parameters(&others).expect("the sizes fit");
        let call = interrupt(&mut trainer, sizes.windows, delay);
        trainer.session.set_parameters(&parameters).expect("the sizes fit");
        let moments = trainer.session.moments().expect("moments after configure");
        trainer.session.restore(0, &moments, Some((sizes.lanes, carry.clone()))).expect("the sizes fit");
        let got = trainer.train(0, 1, 0.01).reports[0].nats;
        assert_eq!(got.to_bits(), want.to_bits(), "after {delay:?}, aborted: {}", call.aborted);
        call.aborted
    });
}

/// Tries one delay after the other; `attempt` says whether its call was interrupted. All of them again while none was: on a busy machine the
/// thread that interrupts may come too late each time.
fn until_interrupted<const N: usize>(delays: [Duration; N], mut attempt: impl FnMut(Duration) -> bool) {
    const ROUNDS: usize = 50;
    let mut round = || delays.iter().fold(false, |any, &delay| attempt(delay) | any);
    assert!((0..ROUNDS).any(|_| round()), "no call was interrupted, so nothing was tested");
}

/// Trains on that many windows from the first, and raises the flag after a while.
fn interrupt<B: Backend>(trainer: &mut Trainer<'_, B>, windows: usize, after: Duration) -> TrainedCall {
    let request = trainer.request(0, windows, 0.01);
    let abort = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(after);
            abort.store(true, Ordering::Relaxed);
        });
        trainer.session.train(&request, &abort).expect("an abort is no error")
    })
}

/// NaN anywhere, or an infinite bias of the head, makes the loss NaN. (An infinite weight below may be digested by a saturating cell.)
pub fn a_parameter_that_is_not_finite_changes_nothing_else<B: Backend>(make: Make<'_, B>) {
    let planted =
        ["head.bias", "head.weight", "weight_hh_l0", "weight_ih_l1", "bias_hh_l1", "embedding.weight"].map(|name| (name, f64::NAN));
    for (name, value) in planted.into_iter().chain([("head.bias", f64::INFINITY)]) {
        for sample in &training_samples() {
            let mut trainer = Trainer::new(make(), sample);
            trainer.train(0, 1, 0.02);
            let mut parameters = trainer.session.parameters().expect("parameters");
            let tensor = trainer.session.plan().params.tensor(name).expect("the model has it").clone();
            // The table's every row: some symbol of the window is among them.
            let at = if name == "embedding.weight" { tensor.range() } else { tensor.offset..tensor.offset + 1 };
            parameters[at].fill(B::Real::from_f64(value));
            trainer.session.set_parameters(&parameters).expect("the sizes fit");
            let before = trainer.state();
            let call = trainer.train(1, 3, 0.02);
            let what = format!("{}, {name} = {value}", sample.name);
            assert!(call.reports.iter().all(|report| report.non_finite), "{what}: every window is refused");
            assert_eq!(call.applied, 0, "{what}");
            trainer.state().assert_same(&before, &what);
        }
    }
}

/// A step would take a moment that is not finite over without a look: nothing of it is in the loss or in a gradient.
pub fn a_refused_restore_changes_nothing<B: Backend>(make: Make<'_, B>) {
    let sample = &training_samples()[0];
    let mut trainer = Trainer::new(make(), sample);
    trainer.train(0, 1, 0.02);
    let before = trainer.state();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut moments = trainer.session.moments().expect("moments after configure");
        moments[1][0] = B::Real::from_f64(value);
        let error = trainer.session.restore(7, &moments, None).expect_err("a moment is not finite");
        assert_eq!(error.code(), "ERR_INVALID_OPTION", "{value}");
        trainer.state().assert_same(&before, &format!("{value}"));
    }
    let moments: Vec<Vec<B::Real>> =
        trainer.session.moments().expect("moments after configure").iter().map(|moment| vec![B::Real::default(); moment.len()]).collect();
    let error = trainer.session.restore(7, &moments, Some((3, Vec::new()))).expect_err("a carry of no values");
    assert_eq!(error.code(), "ERR_INVALID_OPTION");
    trainer.state().assert_same(&before, "a carry of no values");
}

/// A learning rate near the largest number makes the parameters so large that a linear layer and the head overflow: the second window sees
/// it, and all after it hold still.
pub fn windows_after_a_blow_up_change_nothing<B: Backend>(make: Make<'_, B>) {
    let setup = TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed: 3 };
    let rate = if size_of::<B::Real>() == 4 { 1e38 } else { 1e308 };
    let sizes = Sizes { lanes: 3, time: 5, windows: 4 };
    for cell in CELLS {
        let sample = &Sample::new(format!("blow-up of {cell:?}"), linear_above(cell), sizes);
        let (mut trainer, mut first) = (Trainer::with(make(), sample, &setup), Trainer::with(make(), sample, &setup));
        let call = trainer.train(0, 4, rate);
        let flags: Vec<bool> = call.reports.iter().map(|report| report.non_finite).collect();
        assert_eq!((flags.as_slice(), call.applied), ([false, true, true, true].as_slice(), 1), "{}", sample.name);
        first.train(0, 1, rate);
        trainer.state().assert_same(&first.state(), &sample.name);
        // The next call starts with a clean status: a rate of 0 on good parameters is a good step.
        trainer.session.set_parameters(&real::<B>(&sample.parameters)).expect("the sizes fit");
        let mut request = trainer.request(0, 1, 0.0);
        request.resets.fill(true);
        let call = trainer.session.train(&request, &AtomicBool::new(false)).expect("the windows lie in the data");
        assert!(!call.reports[0].non_finite, "{}: a new call begins with a clean status", sample.name);
    }
}

/// Loss and gradients are finite, but the step itself overflows: what stood before it stands, and is usable.
pub fn an_update_that_overflows_is_taken_back<B: Backend>(make: Make<'_, B>) {
    let optimizer =
        OptimizerSpec::Sgd(Sgd { flavour: Flavour::PyTorch, momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 1e6 });
    let setup = TrainingSetup { optimizer, clip: ClipSpec::None {}, seed: 3 };
    let largest = if size_of::<B::Real>() == 4 { f64::from(f32::MAX) } else { f64::MAX };
    for sample in &training_samples() {
        let mut trainer = Trainer::with(make(), sample, &setup);
        trainer.train(0, 1, 1e-8);
        let before = trainer.state();
        let call = trainer.train(1, 2, largest);
        assert!(call.reports[0].loss.is_finite() && call.reports[0].gradient_norm.is_finite(), "{}", sample.name);
        assert!(call.reports.iter().all(|report| report.non_finite) && call.applied == 0, "{}", sample.name);
        trainer.state().assert_same(&before, &sample.name);
        assert_eq!(trainer.train(1, 1, 1e-8).applied, 1, "{}", sample.name);
    }
}

/// A recurrent layer under a linear one and a linear head, with squared errors: nothing saturates above the cell.
fn linear_above(cell: CellKind) -> ModelSpec {
    ModelSpec {
        input: InputSpec::Real { size: 3 },
        layers: vec![recurrent(cell, 4), LayerSpec::Dense { size: 3, activation: Activation::Linear }],
        head: head(Predict::EveryStep, 2),
        loss: LossSpec::MeanSquaredError,
    }
}
