//! 200 steps of training: a GPU and the CPU, from the same seed, arrive at the same model.

use std::sync::atomic::AtomicBool;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{Sample, Sizes, recurrent, symbols};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::BITS;
use rnnkit_backend_tests::window::wide;
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::InitSpec;
use rnnkit_core::optim::{Adam, Flavour, OptimizerSpec};
use rnnkit_core::session::{Session, TrainingSetup};
use rnnkit_core::spec::{LayerSpec, ModelSpec};
use rnnkit_core::window::{Targets, Values};
use rnnkit_cpu::Cpu;
use rnnkit_wgpu::{Gpu, Precision};

/// Windows of data, which each call goes through once.
const WINDOWS: usize = 20;
const CALLS: usize = 10;
const VOCABULARY: u32 = 20;

fn model(cell: CellKind) -> ModelSpec {
    let mut spec = symbols(cell, VOCABULARY as usize, &[]);
    spec.layers = vec![recurrent(cell, 128), LayerSpec::dropout(0.3), recurrent(cell, 24)];
    spec.head.dropout = 0.2;
    spec
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

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// How far trainings may lie apart, as shares: each loss from the other's, the parameters by their norm.
struct Apart {
    loss: f64,
    parameters: f64,
}

/// A tenth of what is promised (0.5 % and 1e-3); Adam's epsilon of 1e-5 keeps roundings of small gradients from becoming whole steps.
const F32: Apart = Apart { loss: 5e-4, parameters: 1e-4 };
/// Weights rounded to 11 bits in every product, sums and states in 24.
const F16: Apart = Apart { loss: 2e-3, parameters: 5e-3 };

fn open(precision: Precision) -> Gpu {
    gpu::open(precision, None).expect("an adapter, as was asked before")
}

fn arrives_where_the_cpu_does(cell: CellKind, precision: Precision, allowed: &Apart) {
    if !gpu::is_there(precision) {
        return;
    }
    let sample = initialized(cell);
    let (want, there) = train(Cpu::new(1).expect("one thread starts everywhere"), &sample);
    let (got, here) = train(open(precision), &sample);
    assert!(want[want.len() - 1] < 0.8 * want[0], "the model learns: {} to {}", want[0], want[want.len() - 1]);
    for (step, (got, want)) in got.iter().zip(&want).enumerate() {
        assert!((got - want).abs() <= allowed.loss * want, "{cell:?}, step {step}: loss {got}, on the CPU {want}");
    }
    let apart = norm(here.iter().zip(&there).map(|(here, there)| here - there)) / norm(there.iter().copied());
    assert!(apart <= allowed.parameters, "{cell:?}: parameters lie {apart} of their norm apart");
}

#[test]
fn two_hundred_steps_of_an_lstm() {
    arrives_where_the_cpu_does(CellKind::Lstm, Precision::F32, &F32);
}

#[test]
fn two_hundred_steps_of_a_gru() {
    arrives_where_the_cpu_does(CellKind::Gru, Precision::F32, &F32);
}

#[test]
fn two_hundred_steps_with_weights_in_f16() {
    arrives_where_the_cpu_does(CellKind::Lstm, Precision::F16, &F16);
}

/// How many have more bits than f16 has.
fn need_f32(values: &[f64]) -> usize {
    values.iter().filter(|value| (**value as f32).to_bits() & 0x1fff != 0).count()
}

#[test]
fn f16_is_for_packed_weights_alone() {
    if !gpu::is_there(Precision::F16) {
        return;
    }
    let sample = Sample::new("f16", model(CellKind::Lstm), Sizes { lanes: 4, time: 8, windows: 2 });
    let mut trainer = Trainer::new(open(Precision::F16), &sample);
    let reports = trainer.evaluate(0, 2);
    let half = trainer.state();
    BITS.assert("parameters after packing", &half.parameters, &sample.parameters);
    let mut in_f32 = Trainer::new(open(Precision::F32), &sample);
    assert_ne!(reports[0].loss.to_bits(), in_f32.evaluate(0, 2)[0].loss.to_bits(), "the weights were rounded");
    trainer.train(0, 1, 1e-3);
    let trained = trainer.state();
    assert!(need_f32(&trained.parameters) > trained.parameters.len() / 2, "parameters are kept in f32");
    assert!(need_f32(&trained.moments) > 0 && need_f32(&trained.carry) > 0, "moments and states are kept in f32");
}
