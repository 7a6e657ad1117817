//! A workload on a backend against the oracle in f64, before anything is measured.

use rnnkit_backend_tests::suite::models::Sample;
use rnnkit_backend_tests::tolerances::F32_AGAINST_F64;
use rnnkit_backend_tests::window::{OneWindow, Setup};
use rnnkit_core::backend::Backend;
use rnnkit_core::reference::Reference;
use rnnkit_core::window::Masks;

/// Loss and gradients of one window.
pub struct Answer {
    loss: f64,
    gradients: Vec<f64>,
}

impl Answer {
    /// What the oracle says of the window's first and last lane alone: all of them would take it minutes.
    pub fn of(sample: &Sample) -> Self {
        let all = counted(sample);
        let lanes = [0, sample.setup.lanes - 1];
        let starts = lanes.map(|lane| all.starts[lane]).to_vec();
        let two = Setup { lanes: 2, starts, resets: vec![true; 2], ..all };
        Self::on(Reference::<f64>::new(), &two, sample)
    }

    /// Panics unless a backend gives the same for all the lanes, of which those two count.
    pub fn check<B: Backend>(&self, backend: B, sample: &Sample) {
        let got = Self::on(backend, &counted(sample), sample);
        F32_AGAINST_F64.assert(&format!("{}: loss", sample.name), &[got.loss], &[self.loss]);
        F32_AGAINST_F64.assert(&format!("{}: gradients", sample.name), &got.gradients, &self.gradients);
    }

    fn on<B: Backend>(backend: B, setup: &Setup, sample: &Sample) -> Self {
        let mut window = OneWindow::new(backend, setup).expect("a workload is valid");
        window.set_parameters(&sample.parameters).expect("the sizes fit");
        let loss = window.train().expect("a window of the workload").loss;
        Self { loss, gradients: window.gradients().expect("gradients after training") }
    }
}

/// The window from a zero carry without dropout, whose draws go by the number of lanes; the loss counts the first and last lane only.
fn counted(sample: &Sample) -> Setup {
    let mut setup = Setup { resets: vec![true; sample.setup.lanes], masks: Masks::Off, ..sample.setup.clone() };
    let (lanes, positions) = (setup.lanes, setup.sequence.inputs.positions());
    let counts = |position: usize| [0, lanes - 1].contains(&(position * lanes / positions));
    setup.sequence.mask = Some((0..positions).map(|position| f32::from(u8::from(counts(position)))).collect());
    setup
}
