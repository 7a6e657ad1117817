//! Weights in bf16 on the CPU: only they are rounded, and a training arrives near the one in f32.

use std::ops::Range;

use rnnkit_backend_tests::long_training::{Apart, arrives_where_the_cpu_does, model, need_f32};
use rnnkit_backend_tests::suite::models::{Sample, Sizes, recurrent, symbols};
use rnnkit_backend_tests::suite::oracle::values;
use rnnkit_backend_tests::suite::samples;
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::BITS;
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_cpu::simd::{Bf16, Stored};
use rnnkit_cpu::{Cpu, Precision};

fn cpu(precision: Precision, threads: usize) -> Cpu {
    Cpu::new(threads).expect("a few threads start everywhere").with_precision(precision)
}

/// Where the weights of products lie in the flat buffer: all but those of one-hot layers, which are looked up.
fn weights_of_products(plan: &ModelPlan) -> Vec<Range<usize>> {
    let of_layer = |layer: &Layer| match layer {
        Layer::Recurrent(layer) if layer.one_hot => vec![layer.weight_hh.clone()],
        Layer::Recurrent(layer) => vec![layer.weight_ih.clone(), layer.weight_hh.clone()],
        Layer::Dense(layer) if !layer.one_hot => vec![layer.weight.clone()],
        _ => vec![],
    };
    let head = plan.head.weights.iter().map(|(weight, _)| weight.clone());
    plan.layers.iter().flat_map(of_layer).chain(head).collect()
}

/// The sample with the weights of its products rounded to bf16.
fn rounded(sample: &Sample) -> Sample {
    let mut rounded = sample.clone();
    for range in weights_of_products(&ModelPlan::new(&sample.setup.spec).expect("a sample is valid")) {
        rounded.parameters[range].iter_mut().for_each(|weight| *weight = f64::from(Bf16::nearest(*weight as f32).widen()));
    }
    rounded
}

/// Models whose hidden weights are large enough that threads share their units.
fn shared_by_units() -> [Sample; 2] {
    [(CellKind::Lstm, 190), (CellKind::Gru, 213)].map(|(cell, size)| {
        let mut spec = symbols(cell, 20, &[]);
        spec.layers = vec![recurrent(cell, size), recurrent(cell, 40)];
        Sample::new(format!("{cell:?} of {size}"), spec, Sizes { lanes: 5, time: 4, windows: 1 })
    })
}

#[test]
fn a_model_has_the_bits_of_one_in_f32_with_weights_rounded_beforehand() {
    for sample in samples().into_iter().chain(shared_by_units()) {
        for threads in [1, 3] {
            let got = values(cpu(Precision::Bf16, threads), &sample);
            let want = values(cpu(Precision::F32, threads), &rounded(&sample));
            for ((name, got), (_, want)) in got.iter().zip(&want) {
                BITS.assert(&format!("{}, {threads} threads: {name}", sample.name), got, want);
            }
        }
    }
}

#[test]
fn two_hundred_steps_arrive_near_those_in_f32() {
    // Weights rounded to 8 bits of precision in every product: by 2^-9 of each at most, some up and some down.
    let allowed = Apart { loss: 2e-2, parameters: 3e-2 };
    for cell in [CellKind::Lstm, CellKind::Gru] {
        arrives_where_the_cpu_does(cpu(Precision::Bf16, 1), cell, &allowed);
    }
}

#[test]
fn bf16_is_for_packed_weights_alone() {
    let sample = Sample::new("bf16", model(CellKind::Lstm), Sizes { lanes: 4, time: 8, windows: 2 });
    let mut trainer = Trainer::new(cpu(Precision::Bf16, 1), &sample);
    let reports = trainer.evaluate(0, 2);
    BITS.assert("parameters after packing", &trainer.state().parameters, &sample.parameters);
    let mut in_f32 = Trainer::new(cpu(Precision::F32, 1), &sample);
    assert_ne!(reports[0].loss.to_bits(), in_f32.evaluate(0, 2)[0].loss.to_bits(), "the weights were rounded");
    trainer.train(0, 1, 1e-3);
    let trained = trainer.state();
    assert!(need_f32(&trained.parameters, 7) > trained.parameters.len() / 2, "parameters are kept in f32");
    assert!(need_f32(&trained.moments, 7) > 0 && need_f32(&trained.carry, 7) > 0, "moments and states are kept in f32");
}

#[test]
fn a_backend_says_in_what_its_weights_are() {
    assert!(cpu(Precision::Bf16, 2).describe().ends_with(", bf16 weights, 2 threads"));
    assert!(!cpu(Precision::F32, 1).describe().contains("weights"));
}
