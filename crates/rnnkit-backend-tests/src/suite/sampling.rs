//! Sampling through a session against plain windows over the same text.

use std::sync::atomic::AtomicBool;

use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::sampler::SamplingOptions;
use rnnkit_core::session::{Context, Sampling, Session};
use rnnkit_core::window::{Sequence, Values};

use super::Make;
use super::models::{CELLS, Sample, Sizes, symbols};
use crate::window::{OneWindow, Setup, real};

const VOCABULARY: usize = 9;
/// Longer than what a session feeds at once, and odd.
const PREFIX: usize = 71;
const COUNT: usize = 20;

/// The carry holds all that was fed.
pub fn greedy_sampling_by_carry_equals_running_the_text_forward<B: Backend>(make: Make<'_, B>) {
    for sample in &samples() {
        let text = sampled(make(), sample, Context::Carry);
        let logits = logits_over(make(), sample, &text);
        for (at, next) in (PREFIX - 1..).zip(&text[PREFIX..]) {
            assert_eq!(likeliest(&logits[at]), *next as usize, "{}: symbol {at}", sample.name);
        }
    }
}

/// Each symbol from a zero carry over the last five.
pub fn a_window_context_sees_the_last_symbols_only<B: Backend>(make: Make<'_, B>) {
    const LENGTH: usize = 5;
    for sample in &samples() {
        let text = sampled(make(), sample, Context::Window { length: LENGTH });
        for at in PREFIX..text.len() {
            let logits = logits_over(make(), sample, &text[at - LENGTH..at]);
            assert_eq!(likeliest(&logits[LENGTH - 1]), text[at] as usize, "{}: symbol {at}", sample.name);
        }
    }
}

fn samples() -> Vec<Sample> {
    let sizes = Sizes { lanes: 1, time: PREFIX, windows: 1 };
    CELLS.iter().map(|&cell| Sample::new(format!("sampling {cell:?}"), symbols(cell, VOCABULARY, &[8, 7]), sizes)).collect()
}

/// The sample's text as prefix, and what greedy sampling adds to it.
fn sampled<B: Backend>(backend: B, sample: &Sample, context: Context) -> Vec<u32> {
    let Values::Ids(prefix) = &sample.setup.sequence.inputs else { panic!("symbols are ids") };
    let mut session = Session::new(backend, &sample.setup.spec, u64::MAX).expect("a sample is valid");
    session.set_parameters(&real::<B>(&sample.parameters)).expect("the sizes fit");
    let options = SamplingOptions { greedy: true, ..SamplingOptions::PLAIN };
    let stream = session.begin_sampling(&Sampling { options, seed: 1, context }).expect("the options are valid");
    let go_on = AtomicBool::new(false);
    session.feed(stream, prefix, &go_on).expect("the prefix is of the vocabulary");
    let mut text = prefix.clone();
    // In two calls: a stream goes on where it stood.
    for count in [1, COUNT - 1] {
        text.extend(session.sample(stream, count, &go_on).expect("the model is finite"));
    }
    text
}

/// Logits after each symbol of a text, from a zero carry.
fn logits_over<B: Backend>(backend: B, sample: &Sample, text: &[u32]) -> Vec<Vec<f64>> {
    let inputs = Values::Ids(text.to_vec());
    let setup = Setup {
        spec: sample.setup.spec.clone(),
        sequence: Sequence::paired(inputs.clone(), inputs),
        lanes: 1,
        time: text.len(),
        starts: vec![0],
        resets: vec![true],
        lengths: None,
        masks: sample.setup.masks.clone(),
    };
    let mut window = OneWindow::new(backend, &setup).expect("a text is valid");
    window.set_parameters(&sample.parameters).expect("the sizes fit");
    window.evaluate().expect("a window of the text");
    window.tap(Tap::Logits).expect("taps were prepared").chunks_exact(VOCABULARY).map(<[f64]>::to_vec).collect()
}

fn likeliest(logits: &[f64]) -> usize {
    (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best })
}
