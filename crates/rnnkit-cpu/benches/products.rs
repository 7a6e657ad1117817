//! The products of the CPU backend beside the plain loop and the peak of multiply-adds: `cargo bench -p rnnkit-cpu --bench products`.
//!
//! An element is a floating-point operation, so that criterion's Gelem/s are GFLOP/s, those of the peak too.

mod shared;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::simd::Isa;
use shared::{Outer, Packed, peak};
use std::time::Duration;

/// Hidden sizes, each with the T·N positions that a window of it has in the work list.
const SIZES: [(usize, usize); 4] = [(128, 2500), (256, 2000), (512, 2560), (1024, 4096)];
/// Gates G of the measured cell, an LSTM.
const GATES: usize = 4;
/// The plain loop is measured up to so many operations: a second.
const BEARABLE: u64 = 1 << 30;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    peaks(&mut criterion);
    forward(&mut criterion);
    back(&mut criterion);
    outer(&mut criterion);
    criterion.final_summary();
}

fn isa() -> Isa {
    Isa::detect().expect("an instruction set that the machine has")
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("two threads start everywhere")
}

fn group<'a>(criterion: &'a mut Criterion, name: &str, flops: u64) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(flops)).sample_size(20);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group
}

fn peaks(criterion: &mut Criterion) {
    for threads in [1, 2] {
        let (isa, pool) = (isa(), pool(threads));
        group(criterion, "peak", peak::multiply_adds(isa, &pool))
            .bench_function(format!("cpu-{threads}"), |bencher| bencher.iter(|| peak::multiply_adds(isa, &pool)));
    }
}

/// h · W_hhᵀ of one time step.
fn forward(criterion: &mut Criterion) {
    for (hidden, _) in SIZES {
        for lanes in [16, 32, 64] {
            packed(criterion, [lanes, hidden, GATES * hidden]);
        }
    }
}

/// dGates · W_hh of one time step.
fn back(criterion: &mut Criterion) {
    for (hidden, _) in SIZES {
        for lanes in [32, 64] {
            packed(criterion, [lanes, GATES * hidden, hidden]);
        }
    }
}

/// One product, by rows on one thread, by rows and by columns on two.
fn packed(criterion: &mut Criterion, shape: [usize; 3]) {
    let operands = Packed::new(isa(), shape);
    let mut group = group(criterion, &format!("product/{}", operands.name()), operands.flops());
    for (threads, name) in [(1, "cpu-1"), (2, "cpu-2-rows")] {
        group.bench_function(name, |bencher| {
            let (pool, mut c) = (pool(threads), vec![0.0; shape[0] * shape[2]]);
            operands.check(&pool);
            bencher.iter(|| operands.by_rows(&pool, &mut c));
        });
    }
    group.bench_function("cpu-2-columns", |bencher| {
        let (pool, mut c) = (pool(2), operands.columns(2));
        operands.check(&pool);
        bencher.iter(|| operands.by_columns(&pool, &mut c));
    });
    if operands.flops() <= BEARABLE {
        group.bench_function("plain", |bencher| bencher.iter(|| operands.plain()));
    }
}

/// dW_hh of a whole window.
fn outer(criterion: &mut Criterion) {
    for (hidden, positions) in SIZES {
        let operands = Outer::new(isa(), [positions, GATES * hidden, hidden]);
        let mut group = group(criterion, &format!("outer/{}", operands.name()), operands.flops());
        for threads in [1, 2] {
            group.bench_function(format!("cpu-{threads}"), |bencher| {
                let (pool, mut c) = (pool(threads), vec![0.0; GATES * hidden * hidden]);
                operands.check(&pool);
                bencher.iter(|| operands.by_rows(&pool, &mut c));
            });
        }
        if operands.flops() <= BEARABLE {
            group.bench_function("plain", |bencher| bencher.iter(|| operands.plain()));
        }
    }
}
