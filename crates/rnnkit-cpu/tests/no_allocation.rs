//! Nothing is allocated by a product, by packing weights again, by a run of the pool, or inside the loop over time.

mod counting;

use counting::ALLOCATIONS;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::{Flavour, OptimizerSpec, Sgd};
use rnnkit_core::session::{Session, TrainingRequest, TrainingSetup};
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, RecurrentDropout, Reduction};
use rnnkit_core::window::Sequence;
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::product::{Matrix, MatrixMut, PackedMatrix, Source, Start, multiply, outer_accumulate};
use rnnkit_cpu::simd::Isa;
use rnnkit_cpu::{Cpu, SharedSizes};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// One test, since the count is the process's: two at a time would count each other.
#[test]
fn products_runs_and_time_steps_do_not_allocate() {
    products_packing_and_runs_do_not_allocate();
    a_longer_unroll_does_not_allocate_more();
}

fn products_packing_and_runs_do_not_allocate() {
    let (m, k, n) = (13, 61, 100);
    let pool = ThreadPool::new(2).expect("two threads");
    let (a, b) = (vec![0.5; m * k], vec![0.25; k * n]);
    let mut c = vec![0.0; m * n];
    for isa in Isa::available() {
        let mut packed = PackedMatrix::new(isa, k, n).expect("memory for a small matrix");
        let mut once = || {
            packed.pack(&pool, Source::Transposed(&b));
            packed.pack(&pool, Source::RowMajor(&b));
            for rows in [1, m] {
                let a = Matrix::new(&a[..rows * k], rows, k);
                multiply(a, &packed, MatrixMut::new(&mut c[..rows * n], rows, n), Start::Zero);
            }
            outer_accumulate(isa, Matrix::new(&b, n, k), Matrix::new(&b, n, k), MatrixMut::new(&mut vec_of_squares(k), k, k));
        };
        let mut counted = || {
            let before = ALLOCATIONS.load(SeqCst);
            once();
            ALLOCATIONS.load(SeqCst) - before
        };
        // The fewest of some, as below: the first run, or a thread's first, may set up what the system keeps for each thread.
        let made = (0..10).map(|_| counted()).min();
        assert_eq!(made, Some(1), "{isa:?}: one buffer of the test's own, which shows that the counting works");
    }
}

/// The test's own buffer.
fn vec_of_squares(k: usize) -> Vec<f32> {
    vec![1.0; k * k]
}

/// Allocations of one training call of two windows of `time` steps: the fewest of some calls, since the first ones set up the workspace
/// and what the system keeps for each thread, whenever a thread first gets there.
fn allocations_of_a_call(time: usize, shared: SharedSizes) -> usize {
    let dropout = RecurrentDropout { input: 0.1, recurrent: 0.2, per_gate: true };
    let layers = vec![
        LayerSpec::recurrent(CellKind::Lstm, 24),
        LayerSpec::dropout(0.2),
        LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-3, frozen: false },
        LayerSpec::Recurrent { cell: CellKind::Gru, size: 24, bidirectional: true, dropout },
    ];
    let spec = ModelSpec {
        input: InputSpec::OneHot { vocabulary: 11 },
        layers,
        head: HeadSpec { predict: Predict::EveryStep, size: 11, projection: Projection::Linear, dropout: 0.1 },
        loss: LossSpec::CrossEntropy { label_smoothing: 0.0, reduction: Reduction::Mean },
    };
    let mut session = Session::new(Cpu::new(2).expect("two threads").with_shared(shared), &spec, 1 << 30).expect("a small model");
    let ids = (0..1000).map(|i| i % 11).collect();
    let data = session.load(&Sequence::shifted(ids)).expect("ids below 11");
    let flavour = Flavour::PyTorch;
    let optimizer = OptimizerSpec::Sgd(Sgd { flavour, momentum: 0.9, dampening: 0.0, nesterov: false, weight_decay: 0.0 });
    session.configure(&TrainingSetup { optimizer, clip: ClipSpec::Norm { theta: 1.0, epsilon: 0.0 }, seed: 1 }).expect("valid");
    let lanes = 20;
    let (starts, resets) = (vec![3; 2 * lanes], vec![false; 2 * lanes]);
    let request = TrainingRequest { data, lanes, time, starts, resets, lengths: None, learning_rates: vec![0.1; 2], masks: None };
    let abort = AtomicBool::new(false);
    let mut call = || {
        let before = ALLOCATIONS.load(SeqCst);
        session.train(&request, &abort).expect("a call that trains");
        ALLOCATIONS.load(SeqCst) - before
    };
    (0..10).map(|_| call()).min().expect("ten calls")
}

fn a_longer_unroll_does_not_allocate_more() {
    for shared in [SharedSizes::NONE, SharedSizes::ALL] {
        let [short, long] = [4, 60].map(|time| allocations_of_a_call(time, shared));
        assert_eq!(short, long, "allocations of a call of 4 and of 60 time steps, units shared by {shared:?}");
    }
}
