//! 200 steps of training, and how far two of them may lie apart.

use std::sync::atomic::AtomicBool;

use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::InitSpec;
use rnnkit_core::optim::{Adam, Flavour, OptimizerSpec};
use rnnkit_core::session::{Session, TrainingSetup};
use rnnkit_core::spec::{LayerSpec, ModelSpec};
use rnnkit_core::window::{Targets, Values};
use rnnkit_cpu::Cpu;

use crate::suite::models::{Sample, Sizes, recurrent, symbols};
use crate::suite::training::Trainer;
use crate::window::wide;

/// Windows of data, which each call goes through once.
const WINDOWS: usize = 20;
const CALLS: usize = 10;
const VOCABULARY: u32 = 20;

/// How far trainings may lie apart, as shares: each loss from the other's, the parameters by their norm.
pub struct Apart {
    /// Of each loss.
    pub loss: f64,
    /// Of the parameters' norm.
    pub parameters: f64,
}

/// Two layers with dropout over symbols.
pub fn model(cell: CellKind) -> ModelSpec {
    let mut spec = symbols(cell, VOCABULARY as usize, &[]);
    spec.layers = vec![recurrent(cell, 128), LayerSpec::dropout(0.3), recurrent(cell, 24)];
    spec.head.dropout = 0.2;
    spec
}

/// That model at a start of its own, with data that there is something to learn of.
fn initialized(cell: CellKind) -> Sample {
    let mut sample = Sample::new(format!("200 steps of {cell:?}"), model(cell), Sizes { lanes: 4, time: 8, windows: WINDOWS });
    let mut session =
        Session::new(Cpu::new(1).expect("one thread starts everywhere"), &sample.setup.spec, u64::MAX).expect("a valid model");
    session.initialize(&InitSpec::Pytorch, 7, &[None, None], &AtomicBool::new(false)).expect("a valid start");
    sample.parameters = wide(&session.parameters().expect("parameters"));
    sample.carry.fill(0.0);
    sample.setup.sequence.targets = Targets::Given(rule(&sample.setup.sequence.inputs));
    sample
}

/// Targets that there is something to learn of: each a function of its input.
fn rule(inputs: &Values) -> Values {
    let Values::Ids(ids) = inputs else { panic!("symbols have ids") };
    Values::Ids(ids.iter().map(|id| (3 * id + 1) % VOCABULARY).collect())
}

/// The losses of all steps, and the parameters after them.
fn train<B: Backend>(backend: B, sample: &Sample) -> (Vec<f64>, Vec<f64>) {
    let optimizer =
        OptimizerSpec::Adam(Adam { flavour: Flavour::PyTorch, beta1: 0.9, beta2: 0.999, epsilon: 1e-5, amsgrad: false, weight_decay: 0.0 });
    let setup = TrainingSetup { optimizer, clip: ClipSpec::Norm { theta: 5.0, epsilon: 1e-6 }, seed: 11 };
    let mut trainer = Trainer::with(backend, sample, &setup);
    let losses = (0..CALLS).flat_map(|_| trainer.train(0, WINDOWS, 2e-3).reports).map(|report| report.loss).collect();
    (losses, trainer.state().parameters)
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// Panics unless 200 steps on that backend arrive where the CPU does in f32.
pub fn arrives_where_the_cpu_does<B: Backend>(backend: B, cell: CellKind, allowed: &Apart) {
    let sample = initialized(cell);
    let (want, there) = train(Cpu::new(1).expect("one thread starts everywhere"), &sample);
    let (got, here) = train(backend, &sample);
    assert!(want[want.len() - 1] < 0.8 * want[0], "the model learns: {} to {}", want[0], want[want.len() - 1]);
    for (step, (got, want)) in got.iter().zip(&want).enumerate() {
        assert!((got - want).abs() <= allowed.loss * want, "{cell:?}, step {step}: loss {got}, on the CPU {want}");
    }
    let apart = norm(here.iter().zip(&there).map(|(here, there)| here - there)) / norm(there.iter().copied());
    assert!(apart <= allowed.parameters, "{cell:?}: parameters lie {apart} of their norm apart");
}

/// How many f32 have bits behind the first `kept` of their mantissa, which is to say that they were not rounded.
pub fn need_f32(values: &[f64], kept: u32) -> usize {
    values.iter().filter(|value| (**value as f32).to_bits() & ((1 << (23 - kept)) - 1) != 0).count()
}
