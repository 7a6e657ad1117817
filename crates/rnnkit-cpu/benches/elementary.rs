//! The elementary functions of the CPU backend beside the standard library's: `cargo bench -p rnnkit-cpu --bench elementary`.
//!
//! An element is one value of the function.

use criterion::{Criterion, Throughput};
use rnnkit_core::math::Real;
use rnnkit_cpu::simd::{Isa, Kernel, LANES, Simd, Vector};
use std::hint::black_box;
use std::time::Duration;

/// Values in one call: they stay in the first cache.
const COUNT: usize = 4096;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    elementary(&mut criterion);
    criterion.final_summary();
}

#[derive(Clone, Copy)]
enum Function {
    Exp,
    Ln,
    Sigmoid,
    Tanh,
}

impl Function {
    const ALL: [(Self, &str); 4] = [(Self::Exp, "exp"), (Self::Ln, "ln"), (Self::Sigmoid, "sigmoid"), (Self::Tanh, "tanh")];

    fn plain(self, x: f32) -> f32 {
        match self {
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
        }
    }
}

struct Map<'a> {
    function: Function,
    from: &'a [f32],
    to: &'a mut [f32],
}

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let blocks = self.from.chunks(LANES).zip(self.to.chunks_mut(LANES));
        for (from, to) in blocks {
            let x = Vector::<S>::load(from);
            let y = match self.function {
                Function::Exp => x.exp(),
                Function::Ln => x.ln(),
                Function::Sigmoid => x.sigmoid(),
                Function::Tanh => x.tanh(),
            };
            y.store(to);
        }
    }
}

fn elementary(criterion: &mut Criterion) {
    let isa = Isa::detect().expect("an instruction set that the machine has");
    let from: Vec<f32> = (0..COUNT).map(|i| (i as f32 + 0.5) * (8.0 / COUNT as f32)).collect();
    let mut to = vec![0.0; COUNT];
    for (function, name) in Function::ALL {
        isa.dispatch(Map { function, from: &from, to: &mut to });
        for (&x, &y) in from.iter().zip(&to) {
            let want = function.plain(x);
            assert!((y - want).abs() <= 1e-6 * want.abs().max(1.0), "{name}({x}) is {y}, the standard library has {want}");
        }
        let mut group = criterion.benchmark_group(format!("{name}/{COUNT}"));
        group.throughput(Throughput::Elements(COUNT as u64));
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
        group.bench_function("cpu-1", |bencher| {
            bencher.iter(|| isa.dispatch(Map { function, from: black_box(&from), to: &mut to }));
        });
        group.bench_function("plain", |bencher| {
            bencher.iter(|| from.iter().zip(&mut to).for_each(|(&x, y)| *y = function.plain(black_box(x))));
        });
    }
}
