//! How near the products come to the machine's peak: `cargo run --release -p rnnkit-cpu --example peak [-- THREADS]`.
//!
//! Prints GFLOP/s of the peak of multiply-adds on so many threads (all of the machine's if not said) and of products with packed weights.
//! Round after round every one of them has its turn for a millisecond, so that what disturbs the machine disturbs all of them alike. The
//! share of the peak is the median over the rounds of a product's speed over the peak's in the same round.

#[path = "../benches/shared/mod.rs"]
mod shared;

use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::simd::Isa;
use shared::{Outer, Packed, peak};
use std::time::{Duration, Instant};

/// How often every entry has its turn.
const ROUNDS: usize = 200;
/// How long a turn lasts at least.
const TURN: Duration = Duration::from_millis(1);

/// Something to measure: a call returns how many floating-point operations it did.
struct Entry<'a> {
    name: String,
    call: Box<dyn FnMut() -> u64 + 'a>,
    /// GFLOP/s of each round.
    rates: Vec<f64>,
}

impl<'a> Entry<'a> {
    fn new(name: impl Into<String>, call: impl FnMut() -> u64 + 'a) -> Self {
        Self { name: name.into(), call: Box::new(call), rates: Vec::new() }
    }

    /// One turn, after a call that brings the operands back into the caches.
    fn measure(&mut self) {
        (self.call)();
        let (start, mut flops) = (Instant::now(), 0);
        while start.elapsed() < TURN {
            flops += (self.call)();
        }
        self.rates.push(flops as f64 / start.elapsed().as_secs_f64() / 1e9);
    }

    /// Median, best decile, and share of `peak`.
    fn report(&self, peak: &Self) {
        let shares = self.rates.iter().zip(&peak.rates).map(|(rate, peak)| rate / peak).collect();
        let [median, best] = [0.5, 0.9].map(|part| quantile(self.rates.clone(), part));
        println!("{:38} {median:8.1} {best:8.1} {:7.0} %", self.name, 100.0 * quantile(shares, 0.5));
    }
}

fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

fn main() -> Result<(), rnnkit_core::Error> {
    let isa = Isa::detect()?;
    let pool = ThreadPool::new(threads()?)?;
    let weights = [[64, 512, 2048], [64, 2048, 512], [16, 512, 2048], [32, 256, 1024], [50, 128, 512], [64, 1024, 4096]];
    let products = weights.map(|shape| Packed::new(isa, shape));
    let gradients = [[2500, 512, 128], [2560, 2048, 512]].map(|shape| Outer::new(isa, shape));
    let mut entries = vec![Entry::new("peak", || peak::multiply_adds(isa, &pool))];
    for product in &products {
        product.check(&pool);
        entries.extend(ways(product, &pool));
    }
    for gradient in &gradients {
        gradient.check(&pool);
        let mut sum = vec![0.0; gradient.shape[1] * gradient.shape[2]];
        let pool = &pool;
        entries.push(Entry::new(gradient.name(), move || {
            gradient.by_rows(pool, &mut sum);
            gradient.flops()
        }));
    }
    for _ in 0..ROUNDS {
        entries.iter_mut().for_each(Entry::measure);
    }
    println!("{}, threads: {}, rounds: {ROUNDS}", isa.name(), pool.threads());
    println!("{:38} {:>8} {:>8} {:>9}", "GFLOP/s", "median", "best 10%", "of peak");
    entries.iter().for_each(|entry| entry.report(&entries[0]));
    Ok(())
}

/// A product shared out by rows, and with several threads by columns too.
fn ways<'a>(product: &'a Packed, pool: &'a ThreadPool) -> Vec<Entry<'a>> {
    let (mut rows, mut columns) = (vec![0.0; product.shape[0] * product.shape[2]], product.columns(pool.threads()));
    let by_rows = Entry::new(format!("{} by rows", product.name()), move || {
        product.by_rows(pool, &mut rows);
        product.flops()
    });
    let by_columns = Entry::new(format!("{} by columns", product.name()), move || {
        product.by_columns(pool, &mut columns);
        product.flops()
    });
    if pool.threads() == 1 { vec![by_rows] } else { vec![by_rows, by_columns] }
}

/// The first argument, or as many threads as the machine has processors.
fn threads() -> Result<usize, rnnkit_core::Error> {
    let Some(argument) = std::env::args().nth(1) else { return Ok(std::thread::available_parallelism().map_or(1, usize::from)) };
    argument.parse().map_err(|_| rnnkit_core::Error::invalid("threads", argument, "a whole number, 1 or more"))
}
