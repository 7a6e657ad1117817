//! The resident form beyond the suite: wherever a workgroup's weights lie, with several lanes a workgroup, and in 16 bits.

use std::sync::Arc;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{CELLS, Sample, Sizes, symbols, wide};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_backend_tests::tolerances::F32_AGAINST_F64;
use rnnkit_backend_tests::window::OneWindow;
use rnnkit_core::backend::{Backend, Shape};
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::ModelPlan;
use rnnkit_wgpu::{Budgets, Form, Gpu, Precision};

fn open(form: Form, precision: Precision) -> Gpu {
    gpu::open(precision, Some(form)).expect("an adapter, as was asked before")
}

/// Few threads, so that each has many k; one of them in registers.
const SMALL: Budgets =
    Budgets { threads: 64, busy_threads: 64, registers: 1, thread_registers: 1, memory: 16384, weight_memory: 0, groups: 128 };

/// As many weights in workgroup memory as there is room for.
const IN_MEMORY: Budgets = Budgets { weight_memory: usize::MAX, ..SMALL };

/// Some weights in each place, and several lanes a workgroup.
const MIXED: Budgets = Budgets { threads: 256, registers: usize::MAX, thread_registers: 24, weight_memory: 4096, groups: 3, ..SMALL };

/// A window's loss, gradients and carry.
fn train(backend: Gpu, sample: &Sample) -> [Vec<f64>; 3] {
    let mut window = OneWindow::new(backend, &sample.setup).expect("a sample is valid");
    window.set_parameters(&sample.parameters).expect("the sizes fit");
    window.set_carry(&sample.carry);
    let report = window.train().expect("a window of the sample");
    [vec![report.loss], window.gradients().expect("gradients after training"), window.carry().expect("a carry")]
}

/// Compares with the step form, which the suite holds against the oracle; in 16 bits the oracle has other weights. Sums of many products in
/// two orders, over up to nine time steps: as far apart as either from the oracle.
fn agrees_with_the_step_form(precision: Precision, samples: &[Sample], budgets: Budgets) {
    if !gpu::is_there(precision) {
        return;
    }
    for sample in samples {
        let want = train(open(Form::Step, precision), sample);
        let got = train(open(Form::Resident, precision).with_budgets(budgets), sample);
        for (name, (got, want)) in ["loss", "gradients", "carry"].into_iter().zip(got.iter().zip(&want)) {
            F32_AGAINST_F64.assert(&format!("{}: {name}", sample.name), got, want);
        }
    }
}

#[test]
fn weights_may_all_be_streamed() {
    agrees_with_the_step_form(Precision::F32, &wide(), SMALL);
}

#[test]
fn weights_may_lie_in_workgroup_memory() {
    agrees_with_the_step_form(Precision::F32, &wide(), IN_MEMORY);
}

#[test]
fn weights_may_lie_in_all_places_with_several_lanes_a_workgroup() {
    agrees_with_the_step_form(Precision::F32, &wide(), MIXED);
}

#[test]
fn weights_of_16_bits_may_lie_in_all_places() {
    // One layer: with several, the step form has the weights between them in 16 bits too, where the resident form has a product in 32.
    let sizes = Sizes { lanes: 7, time: 9, windows: 1 };
    let samples = CELLS.map(|cell| Sample::new(format!("{cell:?} of 33"), symbols(cell, 37, &[33]), sizes));
    for budgets in [SMALL, IN_MEMORY, MIXED] {
        agrees_with_the_step_form(Precision::F16, &samples, budgets);
    }
}

#[test]
fn without_a_form_asked_for_small_layers_are_resident() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    for cell in CELLS {
        let sample = Sample::new("a small model", symbols(cell, 37, &[16, 16]), Sizes { lanes: 4, time: 12, windows: 1 });
        let gpu = gpu::open(Precision::F32, None).expect("an adapter, as was asked before");
        let mut trainer = Trainer::new(gpu, &sample);
        trainer.train(0, 1, 0.01);
        let dispatches = trainer.session.backend().counts().dispatches;
        assert!(dispatches < 24, "{cell:?}: {dispatches} dispatches are of the step form");
    }
}

#[test]
fn a_layer_that_no_workgroup_can_run_is_refused_the_resident_form() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let few = Budgets { threads: 16, ..SMALL };
    let plan = Arc::new(ModelPlan::new(&symbols(CellKind::Gru, 5, &[16, 17])).expect("a valid model"));
    let shape = Shape { lanes: 2, time: 9, training: true, taps: false };
    let Err(error) = open(Form::Resident, Precision::F32).with_budgets(few).prepare(&plan, shape) else { panic!("17 units fit nowhere") };
    assert_eq!(error.to_string().split(", as many").next(), Some("form is resident; it must be 'step', or layers of at most 16 units"));
    assert!(open(Form::Step, Precision::F32).with_budgets(few).prepare(&plan, shape).is_ok());
}
