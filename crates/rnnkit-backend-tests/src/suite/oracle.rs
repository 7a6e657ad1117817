//! A backend against the f64 oracle: loss, states, gates, logits and all gradients of one window.

use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::plan::Layer;
use rnnkit_core::reference::Reference;

use super::Make;
use super::models::{Sample, extras, grid, wide};
use crate::tolerances::F32_AGAINST_F64;
use crate::window::OneWindow;

/// On every sample.
pub fn values_and_gradients_match_the_f64_oracle<B: Backend>(make: Make<'_, B>) {
    for sample in grid().iter().chain(&extras()).chain(&wide()) {
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
    for tensor in window.plan().params.tensors() {
        all.push((tensor.name.clone(), gradients[tensor.range()].to_vec()));
    }
    for (name, tap) in taps(&window) {
        all.push((name, window.tap(tap).expect("taps were prepared")));
    }
    all
}

fn taps<B: Backend>(window: &OneWindow<B>) -> Vec<(String, Tap)> {
    let mut taps = vec![("logits".to_owned(), Tap::Logits), ("carry gradient".to_owned(), Tap::CarryGradient)];
    for (index, layer) in window.plan().layers.iter().enumerate() {
        taps.push((format!("output of layer {index}"), Tap::Output(index)));
        if matches!(layer, Layer::Recurrent(_)) {
            taps.push((format!("gates of layer {index}"), Tap::Gates(index)));
        }
    }
    let one_hot = window.plan().embedding.is_none() && window.plan().spec.input.vocabulary().is_some();
    if !one_hot {
        taps.push(("input gradient".to_owned(), Tap::InputGradient));
    }
    taps
}
