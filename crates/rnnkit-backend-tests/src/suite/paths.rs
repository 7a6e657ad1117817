//! A backend's several ways to the same numbers: its fast paths, the plain loops over its stages, with taps and without.

use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::plain::Plain;
use rnnkit_core::session::TrainingSetup;
use rnnkit_core::window::Masks;

use super::models::{CELLS, Sample, Sizes, symbols};
use super::training::{State, Trainer};
use super::{Make, samples};
use crate::tolerances::{BITS, FAST_PATH};
use crate::window::{OneWindow, SGD, wide};

/// The overrides of a block or a window are never a second algorithm.
pub fn fast_paths_give_what_plain_loops_give<B: Backend>(make: Make<'_, B>) {
    for sample in &samples() {
        let (fast_losses, fast) = two_windows(make(), sample);
        let (plain_losses, plain) = two_windows(Plain(make()), sample);
        FAST_PATH.assert(&format!("{}: losses", sample.name), &fast_losses, &plain_losses);
        FAST_PATH.assert(&format!("{}: parameters", sample.name), &fast.parameters, &plain.parameters);
        FAST_PATH.assert(&format!("{}: carry", sample.name), &fast.carry, &plain.carry);
    }
}

/// Losses and norms of two steps, and what they leave.
fn two_windows<B: Backend>(backend: B, sample: &Sample) -> (Vec<f64>, State) {
    let setup = TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed: 5 };
    let mut trainer = Trainer::with(backend, sample, &setup);
    let reports = trainer.train(0, 2, 0.01).reports;
    (reports.iter().flat_map(|report| [report.loss, report.gradient_norm]).collect(), trainer.state())
}

/// What taps make a backend keep does not change what it computes.
pub fn production_form_gives_what_taps_show<B: Backend>(make: Make<'_, B>) {
    for sample in &samples() {
        let mut window = OneWindow::new(make(), &sample.setup).expect("a sample is valid");
        window.set_parameters(&sample.parameters).expect("the sizes fit");
        window.set_carry(&sample.carry);
        let report = window.train().expect("a window of the sample");
        let seed = if let Masks::Drawn { seed } = sample.setup.masks { seed } else { 0 };
        let mut trainer = Trainer::with(make(), sample, &TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed });
        let produced = trainer.train(0, 1, 0.0).reports[0];
        let gradients = wide(&trainer.session.gradients().expect("gradients after training"));
        FAST_PATH.assert(&format!("{}: loss", sample.name), &[produced.loss], &[report.loss]);
        FAST_PATH.assert(&format!("{}: gradients", sample.name), &gradients, &window.gradients().expect("gradients"));
        FAST_PATH.assert(&format!("{}: carry", sample.name), &trainer.state().carry, &window.carry().expect("a carry"));
    }
}

/// Two backends that differ in nothing that may change a number, threads say: the same losses, norms, parameters and carry to the bit.
pub fn two_backends_give_the_same_bits<B: Backend>(make: Make<'_, B>, other: Make<'_, B>) {
    let large = |&cell| Sample::new(format!("large {cell:?}"), symbols(cell, 61, &[96, 130]), Sizes { lanes: 50, time: 6, windows: 2 });
    let large: Vec<Sample> = CELLS.iter().map(large).collect();
    for sample in samples().iter().chain(&large) {
        let (losses, state) = two_windows(make(), sample);
        let (other_losses, other_state) = two_windows(other(), sample);
        BITS.assert(&format!("{}: losses", sample.name), &other_losses, &losses);
        other_state.assert_same(&state, &sample.name);
    }
}
