//! Every stage of the CPU backend on the work list, beside the reference: `cargo bench -p rnnkit-backend-tests --bench stages`.
//!
//! Entries are called `stage/cell/shape/device`. What a stage needs of others runs before each of its times, with the clock stopped. An
//! element is a floating-point operation, so that criterion's Gelem/s are GFLOP/s.

mod check;
mod stage;
mod workload;

use check::Answer;
use criterion::{Criterion, SamplingMode, Throughput};
use rnnkit_backend_tests::suite::models::Sample;
use rnnkit_backend_tests::window::{OneWindow, Step};
use rnnkit_core::backend::Backend;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::reference::Reference;
use rnnkit_cpu::Cpu;
use stage::Stage;
use std::cell::LazyCell;
use std::time::Duration;
use workload::Workload;

/// The reference runs windows of up to so many floating-point operations: about a second.
const BEARABLE: u64 = 2 << 30;
/// So small that thousands of updates by the same gradients leave the weights where they are.
const LEARNING_RATE: f64 = 1e-8;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for workload in &Workload::all() {
        let sample = LazyCell::new(|| workload.sample());
        let answer = LazyCell::new(|| Answer::of(&sample));
        for threads in [1, 2] {
            let cpu = || Cpu::new(threads).expect("two threads start everywhere");
            measure(&mut criterion, workload, &format!("cpu-{threads}"), || {
                answer.check(cpu(), &sample);
                trained(cpu(), workload, &sample)
            });
        }
        if flops(workload, Stage::TrainWindow) <= BEARABLE {
            measure(&mut criterion, workload, "reference", || trained(Reference::<f32>::new(), workload, &sample));
        }
    }
    criterion.final_summary();
}

/// A window in production form after one step of training, so that every stage finds what it works on.
fn trained<B: Backend>(backend: B, workload: &Workload, sample: &Sample) -> OneWindow<B> {
    let clip = ClipSpec::Norm { theta: 1.0, epsilon: 0.0 };
    let step = Step { optimizer: workload.optimizer, clip, learning_rate: LEARNING_RATE, taps: false };
    let mut window = OneWindow::with(backend, &sample.setup, step).expect("a workload is valid");
    window.set_parameters(&sample.parameters).expect("the sizes fit");
    let report = window.train().expect("a window of the workload");
    assert!(!report.non_finite, "{}: the measured window is finite", workload.name);
    window
}

fn flops(workload: &Workload, stage: Stage) -> u64 {
    stage.flops(&workload.plan, workload.sizes.lanes, workload.sizes.time)
}

/// One entry for each stage. The window is made for the first entry that is asked for, and serves the others.
fn measure<B: Backend>(criterion: &mut Criterion, workload: &Workload, device: &str, make: impl Fn() -> OneWindow<B>) {
    let mut window = None;
    for stage in Stage::of(&workload.plan) {
        let mut group = criterion.benchmark_group(format!("{}/{}", stage.name(), workload.name));
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
        let flops = flops(workload, stage);
        if flops > 0 {
            group.throughput(Throughput::Elements(flops));
        }
        group.bench_function(device, |bencher| {
            let window = window.get_or_insert_with(&make);
            bencher.iter_custom(|times| (0..times).map(|_| stage.time(window).expect("a stage of a trained window")).sum());
        });
    }
}
