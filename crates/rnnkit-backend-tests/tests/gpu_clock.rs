//! How long windows take by the GPU's own clock.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rnnkit_backend_tests::gpu;
use rnnkit_backend_tests::suite::models::{Sample, Sizes, symbols};
use rnnkit_backend_tests::suite::training::Trainer;
use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::session::Timing;
use rnnkit_wgpu::{Form, Gpu, Precision};

/// More than one set of clock readings holds.
const WINDOWS: usize = 600;

fn sample() -> Sample {
    let sizes = Sizes { lanes: 2, time: 3, windows: WINDOWS };
    Sample::new("clocked", symbols(CellKind::Gru, 7, &[5]), sizes)
}

fn open(form: Form) -> Gpu {
    gpu::open(Precision::F32, Some(form)).expect("an adapter, as was asked before")
}

/// How windows are timed there: a GPU that software plays has a clock, another may have none.
fn timing(gpu: &Gpu) -> Timing {
    assert!(gpu.has_clock() || !gpu.describe().contains("software"), "{} has no clock", gpu.describe());
    if gpu.has_clock() { Timing::Timestamps } else { Timing::Call }
}

#[test]
fn the_windows_of_a_long_call_are_timed_by_the_device() {
    if !gpu::is_there(Precision::F32) {
        return;
    }
    let sample = sample();
    for form in [Form::Step, Form::Resident] {
        let gpu = open(form);
        let timing = timing(&gpu);
        let mut trainer = Trainer::new(gpu, &sample);
        // A short call, a long one, and a short one with the room of the long one.
        for windows in [2, WINDOWS, 2] {
            let clock = Instant::now();
            let call = trainer.train(0, windows, 0.01);
            let took = clock.elapsed().as_secs_f64() * 1e3;
            let together: f64 = call.milliseconds.iter().sum();
            assert_eq!((call.timing, call.milliseconds.len()), (timing, windows), "{form:?}");
            assert!(call.milliseconds.iter().all(|&window| window > 0.0), "{form:?}: {:?}", call.milliseconds);
            // A wrong unit would be off by a thousand.
            assert!((0.01 * took..1.01 * took).contains(&together), "{form:?}: {together} ms in a call of {took}");
        }
    }
}

#[test]
fn a_call_without_windows_is_timed_as_any_other() {
    if gpu::is_there(Precision::F32) {
        let (gpu, sample) = (open(Form::Step), sample());
        let timing = timing(&gpu);
        let mut trainer = Trainer::new(gpu, &sample);
        let request = trainer.request(0, 2, 0.01);
        let call = trainer.session.train(&request, &AtomicBool::new(true)).expect("an abort is no error");
        assert_eq!((call.timing, call.milliseconds.len(), call.aborted), (timing, 0, true));
        assert_eq!(trainer.train(0, 2, 0.01).milliseconds.len(), 2, "the next call");
    }
}
