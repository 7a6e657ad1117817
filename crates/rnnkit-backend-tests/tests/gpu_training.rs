//! 200 steps of training: a GPU and the CPU, from the same seed, arrive at the same model.

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::long_training::{self, Apart, model, need_f32};
use rnnkit_backend_tests::suite::models::{Sample, Sizes};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::BITS;
use rnnkit_core::cell::CellKind;
use rnnkit_wgpu::{Gpu, Precision};

/// A tenth of what is promised (0.5 % and 1e-3); Adam's epsilon of 1e-5 keeps roundings of small gradients from becoming whole steps.
const F32: Apart = Apart { loss: 5e-4, parameters: 1e-4 };
/// Weights rounded to 11 bits in every product, sums and states in 24.
const F16: Apart = Apart { loss: 2e-3, parameters: 5e-3 };

fn open(precision: Precision) -> Gpu {
    gpu::open(precision, None).expect("an adapter, as was asked before")
}

fn arrives_where_the_cpu_does(cell: CellKind, precision: Precision, allowed: &Apart) {
    if gpu::is_there(precision) {
        long_training::arrives_where_the_cpu_does(open(precision), cell, allowed);
    }
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
    assert!(need_f32(&trained.parameters, 10) > trained.parameters.len() / 2, "parameters are kept in f32");
    assert!(need_f32(&trained.moments, 10) > 0 && need_f32(&trained.carry, 10) > 0, "moments and states are kept in f32");
}
