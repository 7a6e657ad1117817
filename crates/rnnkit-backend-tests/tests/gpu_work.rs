//! Work that is cut into several dispatches, so that no driver thinks that the device hangs: cut or not, the bits are the same.

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::layers::wide_layered;
use rnnkit_backend_tests::suite::models::{CELLS, Sample, Sizes, dropped, symbols};
use rnnkit_backend_tests::suite::training::{State, Trainer};
use rnnkit_core::cell::CellKind;
use rnnkit_wgpu::{Form, Precision, Work};

/// Trains on two windows in one call: what it keeps, how many dispatches and submissions it took.
fn train(sample: &Sample, form: Form, work: Option<Work>) -> (State, u64, u64) {
    let gpu = gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before");
    let mut trainer = Trainer::new(
        match work {
            Some(work) => gpu.with_work(work),
            None => gpu,
        },
        sample,
    );
    trainer.train(0, 2, 0.02);
    let counts = trainer.session.backend().counts();
    (trainer.state(), counts.dispatches, counts.submissions)
}

#[test]
fn work_cut_into_the_smallest_dispatches_gives_the_same_bits() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    // Two rows of tiles in every product over positions; several tiles and parts in the weights' gradients.
    let sizes = Sizes { lanes: 13, time: 9, windows: 2 };
    let wide = CELLS.map(|cell| Sample::new(format!("{cell:?} of 70 and 33"), symbols(cell, 61, &[70, 33]), sizes));
    let with_dropout = CELLS.map(|cell| Sample::new(format!("{cell:?} with dropout"), dropped(cell), sizes));
    for sample in wide.iter().chain(&with_dropout).chain(&wide_layered()) {
        for form in [Form::Step, Form::Resident] {
            let (whole, dispatches, _) = train(sample, form, Some(Work::at_most(u64::MAX)));
            let (cut, more, _) = train(sample, form, Some(Work::at_most(1)));
            assert!(more > dispatches, "{} in the {form:?} form: {dispatches} dispatches whole, {more} cut", sample.name);
            cut.assert_same(&whole, &format!("{} in the {form:?} form", sample.name));
        }
    }
}

#[test]
fn a_resident_layer_over_many_time_steps_is_cut_on_a_slow_device() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let sizes = Sizes { lanes: 4, time: 64, windows: 2 };
    let sample = Sample::new("a long window", symbols(CellKind::Lstm, 37, &[16]), sizes);
    let (_, whole, _) = train(&sample, Form::Resident, None);
    // Sixteen workgroups' worth of a layer of 4 * 16 * 16 weights in one lane each: eight time steps a dispatch, forward and back.
    let (_, cut, submissions) = train(&sample, Form::Resident, Some(Work::at_most(8 * 16 * 1024)));
    assert!(cut >= whole + 2 * 2 * 7, "{whole} dispatches, {cut} cut into pieces");
    assert!(submissions > 2 * 2 * 2, "{submissions} submissions: each holds no more work than a dispatch may");
}
