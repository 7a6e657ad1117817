//! The GPU in its production form, as a session runs it, against the f64 oracle: shapes that are no multiple of any tile, the least and the
//! largest of each dimension, every way that inputs enter.

use std::sync::atomic::AtomicBool;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{CROSS_ENTROPY, Sample, Sizes, head, recurrent, symbols};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::{BITS, F32_AGAINST_F64};
use rnnkit_backend_tests::window::{SGD, wide};
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::reference::Reference;
use rnnkit_core::session::{EvaluationRequest, TrainingSetup};
use rnnkit_core::spec::{Activation, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict};
use rnnkit_core::window::Report;
use rnnkit_cpu::Cpu;
use rnnkit_wgpu::{Form, Gpu, Precision};

fn open(form: Option<Form>) -> Gpu {
    gpu::open(Precision::F32, form).expect("an adapter, as was asked before")
}

fn numbers(reports: &[Report]) -> Vec<f64> {
    reports.iter().flat_map(|report| [report.loss, report.nats, report.count as f64, report.gradient_norm]).collect()
}

/// Trains on all windows but the last in one call, scores all of them, then the last one in a shorter piece at every time step.
fn life<B: Backend>(backend: B, sample: &Sample) -> Vec<(&'static str, Vec<f64>)> {
    let setup = TrainingSetup { optimizer: SGD, clip: ClipSpec::Norm { theta: 0.5, epsilon: 1e-6 }, seed: 5 };
    let mut trainer = Trainer::with(backend, sample, &setup);
    let trained = trainer.train(0, sample.windows - 1, 0.1);
    let gradients = wide(&trainer.session.gradients().expect("gradients after training"));
    let state = trainer.state();
    let evaluated = trainer.evaluate(0, sample.windows);
    let (lanes, time) = (sample.setup.lanes, sample.setup.time.div_ceil(2));
    let evaluation = trainer.session.begin_evaluation(lanes).expect("room for a carry");
    let (starts, resets) = (sample.setup.starts.clone(), vec![false; lanes]);
    let request = EvaluationRequest { data: trainer.data, lanes, time, starts, resets, lengths: None, every_step: true };
    let shorter = trainer.session.evaluate(evaluation, &request, &AtomicBool::new(false)).expect("the window lies in the data");
    vec![
        ("reports of training", numbers(&trained.reports)),
        ("gradients", gradients),
        ("parameters", state.parameters),
        ("carry", state.carry),
        ("reports of evaluation", numbers(&evaluated)),
        ("reports of a shorter window", numbers(&shorter)),
    ]
}

fn agree_with_the_oracle(samples: &[Sample]) {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    for sample in samples {
        let want = life(Reference::<f64>::new(), sample);
        for form in [None, Some(Form::Step)] {
            for ((name, got), (_, want)) in life(open(form), sample).iter().zip(&want) {
                F32_AGAINST_F64.assert(&format!("{}, {form:?}: {name}", sample.name), got, want);
            }
        }
    }
}

/// Weights small enough that gates do not saturate, which would hide a wrong gradient.
fn tame(mut sample: Sample) -> Sample {
    sample.parameters.iter_mut().for_each(|p| *p = f64::from((*p * 0.4) as f32));
    sample
}

fn embedded(cell: CellKind, vocabulary: usize, width: usize, size: usize) -> ModelSpec {
    ModelSpec {
        input: InputSpec::Embedding { vocabulary, size: width },
        layers: vec![recurrent(cell, size)],
        head: head(Predict::EveryStep, vocabulary),
        loss: CROSS_ENTROPY,
    }
}

fn named(name: &str, spec: ModelSpec, lanes: usize, time: usize) -> Sample {
    tame(Sample::new(name, spec, Sizes { lanes, time, windows: 3 }))
}

#[test]
fn sizes_that_no_tile_divides() {
    agree_with_the_oracle(&[
        named("33 units, 7 lanes, 61 symbols, 13 steps", symbols(CellKind::Lstm, 61, &[33, 33]), 7, 13),
        named("33 units of a GRU", symbols(CellKind::Gru, 61, &[33]), 7, 13),
        named("more lanes than a tile has", symbols(CellKind::Lstm, 5, &[9, 17]), 17, 3),
        named("widths that grow and shrink", symbols(CellKind::Gru, 5, &[3, 40, 7]), 2, 5),
    ]);
}

#[test]
fn one_of_everything() {
    for vocabulary in [1, 2] {
        for cell in [CellKind::ElmanTanh, CellKind::Gru, CellKind::Lstm] {
            agree_with_the_oracle(&[named("one of everything", symbols(cell, vocabulary, &[1]), 1, 1)]);
        }
    }
}

#[test]
fn every_way_that_inputs_enter() {
    let dense_first = |vocabulary| ModelSpec {
        layers: vec![LayerSpec::Dense { size: 6, activation: Activation::Tanh }, recurrent(CellKind::Lstm, 5)],
        ..symbols(CellKind::Lstm, vocabulary, &[])
    };
    agree_with_the_oracle(&[
        named("one-hot by table", symbols(CellKind::Lstm, 7, &[5]), 3, 4),
        named("one-hot picked", symbols(CellKind::Lstm, 40, &[5]), 3, 4),
        named("embedding by table", embedded(CellKind::Gru, 7, 4, 5), 3, 4),
        named("embedding by rows", embedded(CellKind::Gru, 40, 4, 5), 3, 4),
        named("dense first, few symbols", dense_first(7), 3, 4),
        named("dense first, many symbols", dense_first(40), 3, 4),
        named("a large vocabulary", symbols(CellKind::Gru, 5_000, &[3]), 2, 3),
        named("a large vocabulary, embedded", embedded(CellKind::Lstm, 5_000, 3, 3), 2, 3),
    ]);
}

#[test]
fn dropout_masks_and_positions_that_do_not_count() {
    let mut spec = embedded(CellKind::Lstm, 7, 4, 5);
    spec.layers = vec![recurrent(CellKind::Lstm, 5), LayerSpec::dropout(0.5), recurrent(CellKind::Lstm, 4)];
    spec.head.dropout = 0.3;
    let mut nothing_counts = named("nothing counts", spec.clone(), 3, 4);
    nothing_counts.setup.sequence.mask = Some(vec![0.0; nothing_counts.setup.sequence.inputs.positions()]);
    agree_with_the_oracle(&[
        named("masks drawn", spec.clone(), 3, 4),
        named("masks given", spec.clone(), 3, 4).with_masks(),
        named("masks given, positions masked", spec, 3, 4).with_masks().with_position_mask(),
        nothing_counts,
    ]);
}

#[test]
fn heads_and_models_without_memory() {
    let real = |layers, predict| ModelSpec {
        input: InputSpec::Real { size: 3 },
        layers,
        head: head(predict, 2),
        loss: LossSpec::MeanSquaredError,
    };
    let dense = || vec![LayerSpec::Dense { size: 6, activation: Activation::Relu }];
    let mut last = symbols(CellKind::Lstm, 7, &[5, 4]);
    last.head.predict = Predict::LastStep;
    agree_with_the_oracle(&[
        named("last step", last, 3, 4),
        named("dense alone", real(dense(), Predict::EveryStep), 3, 4),
        named("dense alone, last step", real(dense(), Predict::LastStep), 3, 4),
        named("no layers", real(vec![], Predict::EveryStep), 3, 4),
        named("dense alone, symbols", ModelSpec { layers: dense(), ..symbols(CellKind::Lstm, 7, &[]) }, 3, 4),
    ]);
}

#[test]
fn a_long_window_of_one_lane() {
    agree_with_the_oracle(&[named("300 steps", symbols(CellKind::Lstm, 5, &[6]), 1, 300)]);
}

/// As many tiles of rows as one dimension of a dispatch holds, and some more; against the CPU, since the oracle is slow.
#[test]
fn more_rows_than_a_dispatch_is_long() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let spec = ModelSpec {
        input: InputSpec::Real { size: 1 },
        layers: vec![LayerSpec::Dense { size: 1, activation: Activation::Linear }],
        head: head(Predict::EveryStep, 1),
        loss: LossSpec::MeanSquaredError,
    };
    let sample = Sample::new("many rows", spec, Sizes { lanes: 64, time: 65_600, windows: 1 });
    let want = Trainer::new(Cpu::new(1).expect("one thread starts everywhere"), &sample).evaluate(0, 1);
    let got = Trainer::new(open(None), &sample).evaluate(0, 1);
    F32_AGAINST_F64.assert("many rows", &numbers(&got), &numbers(&want));
}

/// More windows than there is room for plans and, at first, for reports, so short that hundreds of them may wait in one submission.
#[test]
fn hundreds_of_windows_in_one_call_equal_one_after_the_other_to_the_bit() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    const WINDOWS: usize = 400;
    let sample = Sample::new("hundreds of windows", symbols(CellKind::ElmanTanh, 9, &[3]), Sizes { lanes: 3, time: 2, windows: WINDOWS });
    let run = |calls: usize| {
        let mut trainer = Trainer::new(open(None), &sample);
        let each = WINDOWS / calls;
        let reports: Vec<Report> = (0..calls).flat_map(|call| trainer.train(call * each, each, 0.01).reports).collect();
        (numbers(&reports), trainer.state())
    };
    let (want, state) = run(WINDOWS);
    for calls in [1, 4, 1] {
        let (got, other) = run(calls);
        BITS.assert(&format!("reports of {calls} calls"), &got, &want);
        other.assert_same(&state, &format!("{calls} calls"));
    }
}
