//! What a training step costs on a GPU besides arithmetic: dispatches, submissions, and bytes that come back.

use std::io::Write;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{Sample, Sizes, symbols};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_core::cell::CellKind;
use rnnkit_wgpu::{Counts, Form, Gpu, Precision};

/// Layers of the model, time steps of its windows.
const LAYERS: u64 = 2;
const TIME: u64 = 64;

/// Trains on calls of `windows` windows until all are done, and says what each call took.
fn calls(sample: &Sample, form: Form, windows: usize) -> Vec<Counts> {
    let backend = gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before");
    let mut trainer: Trainer<'_, Gpu> = Trainer::new(backend, sample);
    (0..sample.windows)
        .step_by(windows)
        .map(|first| {
            let before = trainer.session.backend().counts();
            trainer.train(first, windows, 0.01);
            let after = trainer.session.backend().counts();
            Counts {
                dispatches: after.dispatches - before.dispatches,
                submissions: after.submissions - before.submissions,
                bytes_read: after.bytes_read - before.bytes_read,
            }
        })
        .collect()
}

fn stack(size: usize, windows: usize) -> Sample {
    let spec = symbols(CellKind::Lstm, 7, &[size; LAYERS as usize]);
    Sample::new("figures", spec, Sizes { lanes: 2, time: TIME as usize, windows })
}

#[test]
fn a_training_step_takes_few_dispatches_in_either_form() {
    if gpu::is_there(Precision::F32) {
        // The first call packs the weights besides.
        let [step, resident] = [Form::Step, Form::Resident].map(|form| calls(&stack(5, 2), form, 1)[1].dispatches);
        // By the handle, so that the figures are seen where the test passes.
        let _ = writeln!(std::io::stderr(), "dispatches of a training step, {LAYERS} layers, T = {TIME}: step {step}, resident {resident}");
        assert!(step <= 2 * (TIME + LAYERS) + 20, "{step}");
        assert!(step >= 2 * TIME, "the step form has one dispatch a time step, forward and back: {step}");
        assert!(resident <= 20, "{resident}");
    }
}

#[test]
fn less_than_a_kilobyte_a_step_comes_back() {
    if gpu::is_there(Precision::F32) {
        let has_clock = gpu::open(Precision::F32, None).expect("an adapter, as was asked before").has_clock();
        for windows in [1, 32] {
            let counts = calls(&stack(5, windows), Form::Step, windows);
            let reports = 16 + 20 * windows as u64;
            // What the clock read comes in the same piece, from where a driver can put it: as each window begins, and as the last one ends.
            let clock = if has_clock { reports.next_multiple_of(256) - reports + 8 * (windows as u64 + 1) } else { 0 };
            assert_eq!(counts[0].bytes_read, reports + clock);
            assert!(counts[0].bytes_read < 1024 * windows as u64, "{counts:?}");
        }
    }
}

/// Kernels that take long go in small submissions, so that an abort is heard and no driver thinks that the device hangs.
#[test]
fn submissions_shrink_where_kernels_take_long() {
    if gpu::is_there(Precision::F32) {
        let per_submission = |size, windows| {
            let last = *calls(&stack(size, windows), Form::Step, 1).last().expect("a call at least");
            last.dispatches / last.submissions
        };
        let (quick, slow) = (per_submission(2, 8), per_submission(400, 2));
        assert!(quick > 4 * slow, "{quick} dispatches a submission of a small model, {slow} of a large one");
    }
}
