//! Digests of what the backend computes, a line each: `cargo run --release -p rnnkit-cpu --example bits`.
//!
//! The instruction sets of a machine that round a multiply-add once must agree, or the program fails. So must those of two
//! machines: compare what it prints. A NaN counts as a NaN, since its sign and payload are the machine's own.

use std::sync::atomic::AtomicBool;

use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::InitSpec;
use rnnkit_core::math::Real;
use rnnkit_core::optim::{Adam, Flavour, OptimizerSpec};
use rnnkit_core::session::{Session, TrainingRequest, TrainingSetup};
use rnnkit_core::spec::{HeadSpec, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection, RecurrentDropout, Reduction};
use rnnkit_core::window::Sequence;
use rnnkit_cpu::Cpu;
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::product::{Matrix, MatrixMut, PackedMatrix, Source, Start, multiply, outer_accumulate};
use rnnkit_cpu::simd::{Isa, Kernel, LANES, Simd, Vector};

/// What was computed, and the digest of its bits.
type Line = (String, u64);

fn main() {
    let fused: Vec<Isa> = Isa::available().filter(|isa| isa.is_fused()).collect();
    let lines: Vec<Vec<Line>> = fused.iter().map(|&isa| [elementary(isa), products(isa), trainings(isa)].concat()).collect();
    for (other, isa) in lines.iter().zip(&fused) {
        eprintln!("ran on {}", isa.name());
        assert_eq!(*other, lines[0], "{} and {} differ", isa.name(), fused[0].name());
    }
    let first = lines.first().expect("an instruction set with fused multiply-add");
    first.iter().for_each(|(name, digest)| println!("{name:26} {digest:016x}"));
}

/// FNV-1a, 64 bits, a value at a time.
fn digest(values: &[f32]) -> u64 {
    let bits = |x: f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
    values.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &x| (hash ^ u64::from(bits(x))).wrapping_mul(0x100_0000_01b3))
}

/// y = f(x) by number: exp, sigmoid, tanh, ln.
struct Apply<'a>(usize, &'a [f32], &'a mut [f32]);

impl Kernel for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for (x, y) in self.1.chunks(LANES).zip(self.2.chunks_mut(LANES)) {
            let x = Vector::<S>::load(x);
            match self.0 {
                0 => x.exp(),
                1 => x.sigmoid(),
                2 => x.tanh(),
                _ => x.ln(),
            }
            .store(y);
        }
    }
}

/// Every 997th of all f32, infinities and NaN among them.
fn elementary(isa: Isa) -> Vec<Line> {
    let x: Vec<f32> = (0..=u32::MAX).step_by(997).map(f32::from_bits).collect();
    let mut y = vec![0.0; x.len()];
    let line = |(number, name): (usize, &str)| {
        isa.dispatch(Apply(number, &x, &mut y));
        (name.to_owned(), digest(&y))
    };
    ["exp", "sigmoid", "tanh", "ln"].into_iter().enumerate().map(line).collect()
}

/// `length` numbers in about [-1, 1], others for another `salt`.
fn numbers(length: usize, salt: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// C += A · B with B packed, and C += Aᵀ · B: a row alone, whole tiles, and what is cut short.
fn products(isa: Isa) -> Vec<Line> {
    let pool = ThreadPool::new(1).expect("the caller's thread alone");
    let line = |(m, k, n): (usize, usize, usize)| {
        let (a, b, start) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
        let mut packed = PackedMatrix::new(isa, k, n).expect("memory for a small matrix");
        packed.pack(&pool, Source::RowMajor(&b));
        let (mut c, mut outer) = (start, numbers(k * n, 4));
        multiply(Matrix::new(&a, m, k), &packed, MatrixMut::new(&mut c, m, n), Start::Current);
        outer_accumulate(isa, Matrix::new(&a, m, k), Matrix::new(&c, m, n), MatrixMut::new(&mut outer, k, n));
        (format!("products [{m}, {k}, {n}]"), digest(&[c, outer].concat()))
    };
    [(1, 128, 512), (1, 61, 77), (18, 128, 512), (17, 259, 131)].into_iter().map(line).collect()
}

/// Losses, norms and parameters of training steps.
fn trainings(isa: Isa) -> Vec<Line> {
    let cells = [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::ElmanTanhSeparate, CellKind::Gru, CellKind::Lstm];
    cells.into_iter().map(|cell| (format!("training {cell:?}"), digest(&training(isa, cell)))).collect()
}

/// Two layers with dropout and batch normalisation between them, over ids.
fn model(cell: CellKind) -> ModelSpec {
    let dropout = RecurrentDropout { input: 0.1, recurrent: 0.2, per_gate: true };
    let layers = vec![
        LayerSpec::recurrent(cell, 37),
        LayerSpec::dropout(0.2),
        LayerSpec::BatchNorm { momentum: 0.9, epsilon: 1e-3, frozen: false },
        LayerSpec::Recurrent { cell, size: 24, bidirectional: true, dropout },
    ];
    ModelSpec {
        input: InputSpec::OneHot { vocabulary: 61 },
        layers,
        head: HeadSpec { predict: Predict::EveryStep, size: 61, projection: Projection::Linear, dropout: 0.1 },
        loss: LossSpec::CrossEntropy { label_smoothing: 0.1, reduction: Reduction::Mean },
    }
}

fn training(isa: Isa, cell: CellKind) -> Vec<f32> {
    let (lanes, time, windows, off) = (21, 9, 6, AtomicBool::new(false));
    let backend = Cpu::on(isa, ThreadPool::new(2).expect("two threads"));
    let mut session = Session::new(backend, &model(cell), 1 << 30).expect("a small model");
    session.initialize(&InitSpec::Pytorch, 1, &[], &off).expect("nobody aborts");
    let data = session.load(&Sequence::shifted((0..2000).map(|i| i * i % 61).collect())).expect("ids below 61");
    let flavour = Flavour::PyTorch;
    let optimizer = OptimizerSpec::Adam(Adam { flavour, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weight_decay: 0.0 });
    session.configure(&TrainingSetup { optimizer, clip: ClipSpec::Norm { theta: 1.0, epsilon: 0.0 }, seed: 1 }).expect("valid");
    let starts = (0..windows * lanes).map(|at| (at % lanes * time * windows + at / lanes * time) as u32).collect();
    let (resets, learning_rates) = (vec![false; windows * lanes], vec![0.01; windows]);
    let request = TrainingRequest { data, lanes, time, starts, resets, lengths: None, learning_rates, masks: None };
    let reports = session.train(&request, &off).expect("windows within the data").reports;
    let mut shown: Vec<f32> = reports.iter().flat_map(|report| [report.loss as f32, report.gradient_norm as f32]).collect();
    shown.extend(session.parameters().expect("parameters"));
    shown
}
