//! Speed of the products on one thread, in GFLOP/s, best and median of many runs: `cargo run --release --example product_speed`.

use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::product::{Matrix, MatrixMut, PackedMatrix, Source, Start, multiply, outer_accumulate};
use rnnkit_cpu::simd::Isa;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() {
    let pool = ThreadPool::new(1).expect("the caller's thread alone");
    for isa in Isa::available() {
        for (m, k, n) in [
            (13, 128, 512),
            (16, 128, 512),
            (25, 128, 512),
            (13, 512, 128),
            (16, 512, 2048),
            (16, 2048, 512),
            (1250, 128, 512),
            (1, 128, 512),
            (1, 512, 2048),
        ] {
            let (a, b, mut c) = (vec![0.5; m * k], vec![0.25; k * n], vec![0.0; m * n]);
            let mut packed = PackedMatrix::new(isa, k, n).expect("memory for a small matrix");
            packed.pack(&pool, Source::RowMajor(&b));
            report(&format!("{} [{m}, {k}] x [{k}, {n}]", isa.name()), m * k * n, || {
                multiply(Matrix::new(black_box(&a), m, k), &packed, MatrixMut::new(&mut c, m, n), Start::Current);
            });
        }
        for (rows, p, q) in [(1250, 512, 128), (1250, 256, 128), (1280, 2048, 512)] {
            let (a, b, mut c) = (vec![0.5; rows * p], vec![0.25; rows * q], vec![0.0; p * q]);
            report(&format!("{} [{rows}, {p}]^T x [{rows}, {q}]", isa.name()), rows * p * q, || {
                outer_accumulate(isa, Matrix::new(black_box(&a), rows, p), Matrix::new(&b, rows, q), MatrixMut::new(&mut c, p, q));
            });
        }
    }
}

/// Runs `product`, of so many multiply-adds, for a fifth of a second and prints how fast it was.
fn report(name: &str, multiply_adds: usize, mut product: impl FnMut()) {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < Duration::from_millis(200) {
        let start = Instant::now();
        product();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let speed = |time: Duration| 2e-9 * multiply_adds as f64 / time.as_secs_f64();
    println!("{name:44} best {:6.1}  median {:6.1} GFLOP/s", speed(times[times.len() / 10]), speed(times[times.len() / 2]));
}
