//! A backend against the f64 oracle: loss, states, gates, logits and all gradients of one window.

use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::plan::Layer;
use rnnkit_core::reference::Reference;

use super::models::Sample;
use super::{Make, samples};
use crate::tolerances::F32_AGAINST_F64;
use crate::window::OneWindow;

/// On every sample.
pub fn values_and_gradients_match_the_f64_oracle<B: Backend>(make: Make<'_, B>) {
    for sample in &samples() {
        let want = values(Reference::<f64>::new(), sample);
        let got = values(make(), sample);
        for ((name, got), (_, want)) in got.iter().zip(&want) {
            F32_AGAINST_F64.assert(&format!("{}: {name}", sample.name), got, want);
        }
    }
}

/// Everything that a window shows, by name.
pub fn values<B: Backend>(backend: B, sample: &Sample) -> Vec<(String, Vec<f64>)> {
    let mut window = OneWindow::new(backend, &sample.setup).expect("a sample is valid");
    window.set_parameters(&sample.parameters).expect("the sizes fit");
    window.set_carry(&sample.carry);
    let report = window.train().expect("a window of the sample");
    let gradients = window.gradients().expect("gradients after training");
    let mut all = vec![
        ("loss".to_owned(), vec![report.loss]),
        ("nats".to_owned(), vec![report.nats]),
        ("count".to_owned(), vec![report.count as f64]),
        ("norm".to_owned(), vec![report.gradient_norm]),
        ("carry".to_owned(), window.carry().expect("a carry")),
    ];
    for tensor in window.plan().params.trained() {
        all.push((tensor.name.clone(), gradients[tensor.range()].to_vec()));
    }
    for tensor in window.plan().params.clone().tensors().iter().filter(|tensor| tensor.role.is_statistic()) {
        let parameters = window.parameters().expect("parameters");
        all.push((format!("{} after the step", tensor.name), parameters[tensor.range()].to_vec()));
    }
    for (name, tap) in taps(&window) {
        let mut values = window.tap(tap).expect("taps were prepared");
        if !matches!(tap, Tap::CarryGradient) {
            forget_what_lies_past_the_end(&window, sample, &mut values);
        }
        all.push((name, values));
    }
    all
}

/// What a layer leaves in rows past a lane's end is its own affair: nobody reads them.
fn forget_what_lies_past_the_end<B: Backend>(window: &OneWindow<B>, sample: &Sample, values: &mut [f64]) {
    let (lanes, time) = (sample.setup.lanes, sample.setup.time);
    let rows = lanes * time;
    if values.is_empty() || !values.len().is_multiple_of(rows) {
        return;
    }
    let width = values.len() / rows;
    let ended = |row: usize| row / lanes >= window.length(row % lanes);
    for (_, values) in values.chunks_exact_mut(width).enumerate().filter(|(row, _)| ended(*row)) {
        values.fill(0.0);
    }
}

fn taps<B: Backend>(window: &OneWindow<B>) -> Vec<(String, Tap)> {
    let mut taps = vec![("logits".to_owned(), Tap::Logits), ("carry gradient".to_owned(), Tap::CarryGradient)];
    for (index, layer) in window.plan().layers.iter().enumerate() {
        taps.push((format!("output of layer {index}"), Tap::Output(index)));
        if matches!(layer, Layer::Recurrent(_)) {
            taps.push((format!("gates of layer {index}"), Tap::Gates(index)));
            taps.push((format!("gradient of h of layer {index}"), Tap::HiddenGradient(index)));
        }
        if matches!(layer, Layer::Recurrent(layer) if layer.cell.has_cell_state()) {
            taps.push((format!("cell state of layer {index}"), Tap::CellState(index)));
        }
    }
    if window.plan().input_width() > 0 {
        taps.push(("input gradient".to_owned(), Tap::InputGradient));
    }
    taps
}
