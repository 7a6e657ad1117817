//! The bench's workload W4 from Rust alone, to hold the TypeScript layer against; prints one line of JSON:
//! `cargo run --release -p rnnkit-backend-tests --example train_w4 -- [--threads 2] [--seconds 5]`.

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::init::InitSpec;
use rnnkit_core::optim::{Adagrad, Flavour, OptimizerSpec};
use rnnkit_core::rng::{Key, Stream};
use rnnkit_core::session::{Session, TrainedCall, TrainingRequest, TrainingSetup};
use rnnkit_core::window::{Sequence, Values};
use rnnkit_cpu::Cpu;
use serde_json::{Value, from_value, json};

/// Positions of the series.
const POSITIONS: usize = 4096;
/// What a call should take, and the most windows of one, as in TypeScript's training loop.
const CALL_MS: f64 = 50.0;
const MOST_WINDOWS: usize = 2048;

/// A training of the workload.
struct Training {
    session: Session<Cpu>,
    data: u32,
    lanes: usize,
    time: usize,
    learning_rate: f64,
    windows: usize,
    calls: u32,
}

impl Training {
    fn new(workload: &Value, threads: usize) -> Result<Self, Box<dyn Error>> {
        let size = |name: &str| workload[name].as_u64().map(|size| size as usize).ok_or(format!("W4 has no {name}"));
        let layer = json!({ "kind": "recurrent", "cell": workload["cell"], "size": workload["hidden"] });
        let spec = json!({
            "input": { "kind": "real", "size": workload["in"] },
            "layers": vec![layer; size("layers")?],
            "head": { "predict": "lastStep", "size": 1 },
            "loss": { "kind": "meanSquaredError" },
        });
        let mut session = Session::new(Cpu::new(threads)?, &from_value(spec)?, u64::MAX)?;
        session.initialize(&InitSpec::Pytorch, 1, &vec![None; size("layers")?], &AtomicBool::new(false))?;
        session.configure(&setup())?;
        let data = session.load(&series(size("in")?))?;
        let learning_rate = workload["lr"].as_f64().ok_or("W4 has no lr")?;
        Ok(Self { session, data, lanes: size("B")?, time: size("T")?, learning_rate, windows: 1, calls: 0 })
    }

    /// As many windows as take about [`CALL_MS`], each from zero, at places drawn anew.
    fn call(&mut self) -> rnnkit_core::Result<TrainedCall> {
        let clock = Instant::now();
        let places = self.windows * self.lanes;
        let key = Key::stream(1, Stream::Batches, self.calls);
        let starts = (0..places as u64).map(|i| (key.uniform(i) * (POSITIONS - self.time) as f64) as u32).collect();
        let (resets, learning_rates) = (vec![true; places], vec![self.learning_rate; self.windows]);
        let Self { data, lanes, time, .. } = *self;
        let request = TrainingRequest { data, lanes, time, starts, resets, lengths: None, learning_rates, masks: None };
        let call = self.session.train(&request, &AtomicBool::new(false))?;
        let each = clock.elapsed().as_secs_f64() * 1e3 / self.windows as f64;
        self.windows = ((CALL_MS / each) as usize).min(2 * self.windows).clamp(1, MOST_WINDOWS);
        self.calls += 1;
        Ok(call)
    }
}

fn setup() -> TrainingSetup {
    let (flavour, epsilon) = (Flavour::PyTorch, 1e-10);
    let adagrad = Adagrad { flavour, epsilon, initial_accumulator: 0.0, learning_rate_decay: 0.0, weight_decay: 0.0 };
    TrainingSetup { optimizer: OptimizerSpec::Adagrad(adagrad), clip: ClipSpec::Norm { theta: 1.0, epsilon: 0.0 }, seed: 1 }
}

/// Random numbers, each position's target drawn like its inputs: only speed is measured.
fn series(width: usize) -> Sequence {
    let drawn = |instance, width| {
        let key = Key::stream(1, Stream::Init, instance);
        Values::Real { width, values: (0..(POSITIONS * width) as u64).map(|i| key.uniform(i) as f32).collect() }
    };
    Sequence::paired(drawn(0, width), drawn(1, 1))
}

/// Threads, and seconds to measure.
fn options() -> Result<(usize, f64), Box<dyn Error>> {
    let (mut threads, mut seconds) = (2, 5.0);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match name.as_str() {
            "--threads" => threads = value.parse().map_err(|error| format!("--threads '{value}': {error}"))?,
            "--seconds" => seconds = value.parse().map_err(|error| format!("--seconds '{value}': {error}"))?,
            _ => return Err(format!("{name} is none of --threads and --seconds").into()),
        }
    }
    Ok((threads, seconds))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (threads, seconds) = options()?;
    let workloads: Value = serde_json::from_str(include_str!("../../../bench/workloads.json"))?;
    let mut training = Training::new(&workloads["W4"], threads)?;
    // Twice as many windows each, until they are as many as fill a call.
    for _ in 0..12 {
        training.call()?;
    }
    let (clock, mut steps) = (Instant::now(), Vec::new());
    while steps.is_empty() || clock.elapsed().as_secs_f64() < seconds {
        steps.extend(training.call()?.milliseconds);
    }
    let wall = clock.elapsed().as_secs_f64() * 1e3 / steps.len() as f64;
    steps.sort_unstable_by(f64::total_cmp);
    let median = steps[steps.len() / 2];
    let tokens = (1e3 * (training.lanes * training.time) as f64 / median).round();
    let measured = json!({ "peer": "rnnkit-rust", "workload": "W4", "threads": threads, "step_ms_median": median,
        "wall_ms_per_step": wall, "tokens_per_s": tokens, "steps": steps.len() });
    println!("{measured}");
    Ok(())
}
