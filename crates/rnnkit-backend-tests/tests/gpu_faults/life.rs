//! A session's life in acts, each of which may fail and be done again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rnnkit_backend_tests::suite::models::{Sample, Sizes, dropped};
use rnnkit_backend_tests::suite::training::ADAM;
use rnnkit_core::Result;
use rnnkit_core::cell::CellKind;
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::sampler::SamplingOptions;
use rnnkit_core::session::{Context, EvaluationRequest, Sampling, Session, TrainingRequest, TrainingSetup};
use rnnkit_wgpu::{Device, Gpu};

/// What a session does in its life, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Load,
    Configure,
    Train,
    BeginEvaluation,
    Evaluate,
    BeginSampling,
    Sample,
    Read,
}

impl Act {
    /// Whether it only makes room, or writes.
    pub fn records_nothing(self) -> bool {
        matches!(self, Self::Load | Self::Configure | Self::BeginEvaluation | Self::BeginSampling)
    }
}

/// All of them.
pub const LIFE: [Act; 8] =
    [Act::Load, Act::Configure, Act::Train, Act::BeginEvaluation, Act::Evaluate, Act::BeginSampling, Act::Sample, Act::Read];

/// A session on a device of its own, with the numbers it was given.
pub struct Life {
    /// The session.
    pub session: Session<Gpu>,
    sample: Sample,
    data: u32,
    evaluation: u32,
    stream: u32,
}

fn sample() -> Sample {
    Sample::new("faults", dropped(CellKind::Lstm), Sizes { lanes: 3, time: 5, windows: 4 })
}

impl Life {
    /// On that device; a limit in bytes.
    pub fn begin(device: &Arc<Device>, memory_limit: u64) -> Result<Self> {
        let sample = sample();
        let session = Session::new(Gpu::on(device.clone(), None), &sample.setup.spec, memory_limit)?;
        Ok(Self { session, sample, data: 0, evaluation: 0, stream: 0 })
    }

    /// One act.
    pub fn act(&mut self, act: Act) -> Result<()> {
        let quiet = AtomicBool::new(false);
        let Self { session, sample, data, evaluation, stream } = self;
        let (lanes, time) = (sample.setup.lanes, sample.setup.time);
        let (starts, resets) = (sample.setup.starts.repeat(2), vec![true; 2 * lanes]);
        match act {
            Act::Load => *data = session.load(&sample.setup.sequence)?,
            Act::Configure => session.configure(&TrainingSetup { optimizer: ADAM, clip: ClipSpec::None {}, seed: 3 })?,
            Act::Train => {
                let request =
                    TrainingRequest { data: *data, lanes, time, starts, resets, lengths: None, learning_rates: vec![0.01; 2], masks: None };
                session.train(&request, &quiet)?;
            }
            Act::BeginEvaluation => *evaluation = session.begin_evaluation(lanes)?,
            Act::Evaluate => {
                let request = EvaluationRequest { data: *data, lanes, time, starts, resets, lengths: None, every_step: false };
                session.evaluate(*evaluation, &request, &quiet)?;
            }
            Act::BeginSampling => {
                let sampling = Sampling { options: SamplingOptions::PLAIN, seed: 1, context: Context::Carry };
                *stream = session.begin_sampling(&sampling)?;
            }
            Act::Sample => {
                session.feed(*stream, &[1, 2, 3], &quiet)?;
                session.sample(*stream, 2, &quiet)?;
            }
            Act::Read => {
                session.parameters()?;
                session.moments()?;
                session.carry()?;
            }
        }
        Ok(())
    }
}
