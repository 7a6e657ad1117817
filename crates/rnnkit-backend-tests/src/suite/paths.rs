//! A backend's several ways to the same numbers: its fast paths, the plain loops over its stages, with taps and without.

use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::plain::Plain;
use rnnkit_core::session::TrainingSetup;
use rnnkit_core::window::Masks;

use super::models::Sample;
use super::training::{State, Trainer};
use super::{Make, samples};
use crate::tolerances::FAST_PATH;
use crate::window::{OneWindow, SGD, wide};

/// The overrides of a block or a window are never a second algorithm.
pub fn fast_paths_give_what_plain_loops_give<B: Backend>(make: Make<'_, B>) {
    for sample in &samples() {
        let (fast, plain) = (two_windows(make(), sample), two_windows(Plain(make()), sample));
        FAST_PATH.assert(&format!("{}: losses", sample.name), &fast.losses, &plain.losses);
        FAST_PATH.assert(&format!("{}: parameters", sample.name), &fast.state.parameters, &plain.state.parameters);
        FAST_PATH.assert(&format!("{}: carry", sample.name), &fast.state.carry, &plain.state.carry);
    }
}

/// What two steps give.
pub struct Outcome {
    /// Loss and gradient norm of each.
    pub losses: Vec<f64>,
    /// Those of the second.
    pub gradients: Vec<f64>,
    /// What is left.
    pub state: State,
}

/// Two steps of plain gradient descent on a sample.
pub fn two_windows<B: Backend>(backend: B, sample: &Sample) -> Outcome {
    let setup = TrainingSetup { optimizer: SGD, clip: ClipSpec::None {}, seed: 5 };
    let mut trainer = Trainer::with(backend, sample, &setup);
    let reports = trainer.train(0, 2, 0.01).reports;
    let losses = reports.iter().flat_map(|report| [report.loss, report.gradient_norm]).collect();
    let gradients = wide(&trainer.session.gradients().expect("gradients after training"));
    Outcome { losses, gradients, state: trainer.state() }
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
