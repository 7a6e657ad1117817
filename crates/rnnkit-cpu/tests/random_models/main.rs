//! Models drawn at random, every layer in any order over any input, against the f64 oracle through sessions: training steps with carry,
//! resets and lengths, then evaluation, predictions and an inspection. On every instruction set of the machine.
//!
//! `RNNKIT_RANDOM_CASES=FIRST..END` runs other cases than the fixed ones: a failure names its case, and runs alone by that number.

mod draw;

use std::sync::atomic::AtomicBool;

use rnnkit_core::backend::{Backend, Tap};
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::TensorRole;
use rnnkit_core::math::Scalar;
use rnnkit_core::optim::{Flavour, OptimizerSpec, Sgd};
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::reference::Reference;
use rnnkit_core::session::{EvaluationRequest, InspectionRequest, Session, TrainingRequest, TrainingSetup};
use rnnkit_core::spec::ModelSpec;
use rnnkit_core::window::{Report, Sequence};
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::simd::Isa;
use rnnkit_cpu::{Cpu, SharedSizes};

use draw::Dice;

/// The cases that every run tries.
const CASES: std::ops::Range<u64> = 0..60;
/// The same of large models, each some seconds for the oracle.
const LARGE_CASES: std::ops::Range<u64> = 0..12;
/// Windows of the training, and of the evaluation.
const WINDOWS: usize = 3;

/// A model with its data and windows.
struct Sample {
    spec: ModelSpec,
    parameters: Vec<f64>,
    sequence: Sequence,
    seed: u64,
    lanes: usize,
    time: usize,
    starts: Vec<u32>,
    resets: Vec<bool>,
    lengths: Option<Vec<u32>>,
}

impl Sample {
    fn new(case: u64) -> Self {
        let mut dice = Dice::new(case);
        let spec = dice.model();
        let lanes = dice.one_of(&[1, 2, 3, 7, 17, 37]);
        Self::of(case, spec, lanes, dice)
    }

    /// A large layer, on few lanes.
    fn large(case: u64) -> Self {
        let mut dice = Dice::new(case);
        let spec = dice.large_model();
        let lanes = dice.one_of(&[1, 2, 5]);
        Self::of(case, spec, lanes, dice)
    }

    fn of(case: u64, spec: ModelSpec, lanes: usize, mut dice: Dice) -> Self {
        let time = dice.one_of(&[1, 2, 3, 6]);
        let sequence = dice.sequence(&spec, lanes * time * WINDOWS);
        let starts = (0..WINDOWS * lanes).map(|at| ((at % lanes) * time * WINDOWS + at / lanes * time) as u32).collect();
        let lengths = dice.once_in(2).then(|| (0..WINDOWS * lanes).map(|_| dice.below(time + 1) as u32).collect());
        let resets = (0..WINDOWS * lanes).map(|_| dice.once_in(3)).collect();
        Self { parameters: parameters(&spec, &mut dice), spec, sequence, seed: case, lanes, time, starts, resets, lengths }
    }

    fn data<B: Backend>(&self, backend: B) -> (Session<B>, u32) {
        let mut session = Session::new(backend, &self.spec, 1 << 30).expect("a small model");
        let parameters: Vec<B::Real> = self.parameters.iter().map(|&value| B::Real::from_f64(value)).collect();
        session.set_parameters(&parameters).expect("as many as the plan says");
        let data = session.load(&self.sequence).expect("data of the model's kind");
        (session, data)
    }

    fn train<B: Backend>(&self, session: &mut Session<B>, data: u32) -> Vec<Report> {
        let (flavour, momentum) = (Flavour::PyTorch, 0.5);
        let optimizer = OptimizerSpec::Sgd(Sgd { flavour, momentum, dampening: 0.0, nesterov: false, weight_decay: 0.01 });
        let setup = TrainingSetup { optimizer, clip: ClipSpec::Norm { theta: 1.0, epsilon: 0.0 }, seed: self.seed };
        session.configure(&setup).expect("a valid setup");
        let request = TrainingRequest {
            data,
            lanes: self.lanes,
            time: self.time,
            starts: self.starts.clone(),
            resets: self.resets.clone(),
            lengths: self.lengths.clone(),
            learning_rates: vec![0.05; WINDOWS],
            masks: None,
        };
        session.train(&request, &AtomicBool::new(false)).expect("windows within the data").reports
    }

    fn evaluation(&self, data: u32) -> EvaluationRequest {
        let (starts, resets, lengths) = (self.starts.clone(), self.resets.clone(), self.lengths.clone());
        EvaluationRequest { data, lanes: self.lanes, time: self.time, starts, resets, lengths, every_step: false }
    }

    fn inspection(&self, data: u32, plan: &ModelPlan) -> InspectionRequest {
        let lengths = self.lengths.as_ref().map(|lengths| lengths[..self.lanes].to_vec());
        let mut taps = vec![Tap::CarryGradient];
        taps.extend((plan.input_width() > 0).then_some(Tap::InputGradient));
        // The states of lanes that have ended are zero.
        taps.extend((0..plan.layers.len()).filter(|&index| matches!(plan.layers[index], Layer::Recurrent(_))).map(Tap::Output));
        let (lanes, time, starts) = (self.lanes, self.time, self.starts[..self.lanes].to_vec());
        InspectionRequest { data, lanes, time, starts, lengths, gradients: true, taps }
    }
}

/// Weights small enough for gates not to saturate, which would hide wrong gradients; moving variances above zero.
fn parameters(spec: &ModelSpec, dice: &mut Dice) -> Vec<f64> {
    let plan = ModelPlan::new(spec).expect("a valid model");
    let mut all = vec![0.0; plan.params.len()];
    for tensor in plan.params.tensors() {
        let width = tensor.shape.get(1).copied().unwrap_or(1) as f64;
        let scale = (1.0 / width.sqrt()).min(0.6) as f32;
        let positive = tensor.role == TensorRole::MovingVariance;
        let mut draw = || if positive { dice.normal().abs() + 0.5 } else { dice.normal() * scale };
        all[tensor.range()].iter_mut().for_each(|value| *value = f64::from(draw()));
    }
    all
}

fn wide<R: Scalar>(values: &[R]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

fn numbers(reports: &[Report]) -> Vec<f64> {
    let of = |report: &Report| {
        assert!(!report.non_finite, "a drawn model stays finite");
        [report.loss, report.nats, report.count as f64, report.gradient_norm]
    };
    reports.iter().flat_map(of).collect()
}

/// Everything a session on that backend shows of a sample, by name.
fn shown<B: Backend>(backend: B, sample: &Sample) -> Vec<(&'static str, Vec<f64>)> {
    let off = AtomicBool::new(false);
    let (mut session, data) = sample.data(backend);
    let inspection = sample.inspection(data, session.plan());
    let inspected = session.inspect(&inspection, &off).expect("a window within the data");
    let mut all = vec![("gradients", wide(&inspected.gradients)), ("logits", wide(&inspected.logits))];
    all.extend(inspected.taps.iter().map(|tap| ("tap", wide(tap))));
    let request = sample.evaluation(data);
    let mut evaluation = || session.begin_evaluation(sample.lanes).expect("a small carry");
    let (scored, predicted) = (evaluation(), evaluation());
    all.push(("evaluation", numbers(&session.evaluate(scored, &request, &off).expect("windows within the data"))));
    all.push(("predictions", wide(&session.predict(predicted, &request, &off).expect("windows within the data"))));
    all.push(("training", numbers(&sample.train(&mut session, data))));
    all.push(("parameters", wide(&session.parameters().expect("parameters"))));
    all.push(("carry", wide(&session.carry().expect("a carry").expect("a training has one").1)));
    all
}

/// f32 against f64, through some steps: a hundredth of a per cent of the value, or of the largest.
fn assert_close(name: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{name}");
    let largest = want.iter().fold(1e-3, |most: f64, value| most.max(value.abs()));
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 1e-4 * (want.abs() + largest), "{name}[{index}]: got {got:e}, want {want:e}, largest {largest:e}");
    }
}

fn cases() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var("RNNKIT_RANDOM_CASES") else { return CASES };
    let (first, end) = range.split_once("..").expect("RNNKIT_RANDOM_CASES=FIRST..END");
    first.parse().expect("a number")..end.parse().expect("a number")
}

fn cpu(isa: Isa, threads: usize) -> Cpu {
    Cpu::on(isa, ThreadPool::new(threads).expect("some threads"))
}

#[test]
fn drawn_models_give_what_the_oracle_gives() {
    give_what_the_oracle_gives(cases(), Sample::new);
}

#[test]
fn models_whose_units_threads_share_give_what_the_oracle_gives() {
    give_what_the_oracle_gives(LARGE_CASES, Sample::large);
}

fn give_what_the_oracle_gives(cases: std::ops::Range<u64>, sample: fn(u64) -> Sample) {
    for case in cases {
        let sample = sample(case);
        let want = shown(Reference::<f64>::new(), &sample);
        for (isa, threads) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 3)]) {
            let got = shown(cpu(isa, threads), &sample);
            for ((what, got), (_, want)) in got.iter().zip(&want) {
                let Sample { spec, lanes, time, lengths, .. } = &sample;
                let on = format!("{}, {threads} threads", isa.name());
                let name = || format!("case {case}, {on}, {what}: {spec:?}, {lanes} lanes, {time} time steps, {lengths:?}");
                assert_close(&name(), got, want);
            }
        }
    }
}

/// Lanes in one tile, two and four; every cell, layer and dropout.
#[test]
fn threads_give_drawn_models_the_same_bits_whether_they_share_lanes_or_units() {
    let isa = Isa::available().next().expect("a set for every machine");
    for case in cases() {
        let sample = Sample::new(case);
        let want = shown(cpu(isa, 1).with_shared(SharedSizes::NONE), &sample);
        for (threads, shared) in [(1, SharedSizes::ALL), (3, SharedSizes::ALL), (3, SharedSizes::NONE)] {
            let got = shown(cpu(isa, threads).with_shared(shared), &sample);
            assert_same_bits(&want, &got, &format!("case {case}, {threads} threads, {shared:?}, {:?}", sample.spec));
        }
    }
}

fn assert_same_bits(want: &[(&str, Vec<f64>)], got: &[(&str, Vec<f64>)], name: &str) {
    for ((what, want), (_, got)) in want.iter().zip(got) {
        let differs = want.iter().zip(got).position(|(want, got)| want.to_bits() != got.to_bits());
        assert_eq!((differs, want.len()), (None, got.len()), "{name}: {what} differ there");
    }
}

#[test]
fn sets_with_fused_multiply_add_give_drawn_models_the_same_bits() {
    let fused: Vec<Isa> = Isa::available().filter(|isa| isa.is_fused()).collect();
    for case in cases() {
        let sample = Sample::new(case);
        let shown: Vec<_> = fused.iter().map(|&isa| shown(cpu(isa, 2), &sample)).collect();
        for (other, isa) in shown.iter().zip(&fused).skip(1) {
            assert_same_bits(&shown[0], other, &format!("case {case}, {} and {}", fused[0].name(), isa.name()));
        }
    }
}
