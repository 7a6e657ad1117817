//! Training: K windows a call, with moments, carry and a step count that outlive it.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::budget::bytes;
use super::timing::{self, Timing};
use super::workspaces::Purpose;
use super::{Carry, Session, unknown};
use crate::backend::{Backend, Run, Shape, Training};
use crate::error::{Error, Result};
use crate::grad_clip::ClipSpec;
use crate::math::Scalar;
use crate::optim::OptimizerSpec;
use crate::window::{Finished, Masks, Report, Use, WindowPlan};

/// What stays the same from call to call of one training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainingSetup {
    /// The optimizer.
    pub optimizer: OptimizerSpec,
    /// Clipping.
    pub clip: ClipSpec,
    /// Seed of the dropout masks.
    pub seed: u64,
}

/// The windows of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRequest {
    /// Number of the resident sequence.
    pub data: u32,
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T.
    pub time: usize,
    /// [K, N].
    pub starts: Vec<u32>,
    /// [K, N].
    pub resets: Vec<bool>,
    /// [K, N], or `None`: all lanes have T time steps.
    pub lengths: Option<Vec<u32>>,
    /// `[K]`.
    pub learning_rates: Vec<f64>,
    /// Masks to use instead of drawn ones (tests).
    pub masks: Option<Vec<Vec<bool>>>,
}

/// What a call did.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedCall {
    /// One for each window that ran; after a non-finite one nothing changed any more.
    pub reports: Vec<Report>,
    /// How long each of those windows took.
    pub milliseconds: Vec<f64>,
    /// How the milliseconds were taken.
    pub timing: Timing,
    /// Optimizer steps that were applied.
    pub applied: usize,
    /// Whether the abort flag ended the call early.
    pub aborted: bool,
}

/// What a training keeps between calls.
pub(super) struct State<B: Backend> {
    setup: TrainingSetup,
    gradients: B::Memory,
    moments: Vec<B::Memory>,
    /// Bytes of gradients and moments.
    buffers: u64,
    steps: u64,
    carry: Option<Carry<B>>,
}

impl<B: Backend> Session<B> {
    /// Starts a training: moments at their initial values, step count 0, no carry.
    pub fn configure(&mut self, setup: &TrainingSetup) -> Result<()> {
        setup.optimizer.validate()?;
        setup.clip.validate()?;
        self.forget_training();
        let len = self.plan.params.trainable();
        let initial = setup.optimizer.moments();
        let buffers = bytes::<B>(len).saturating_mul(1 + initial.len() as u64);
        let Self { backend, budget, .. } = self;
        let (gradients, moments) = budget.take_for(buffers, || {
            let gradients = backend.alloc(len)?;
            let moments = initial.iter().map(|moment| filled(backend, len, moment.initial)).collect::<Result<_>>()?;
            Ok((gradients, moments))
        })?;
        self.training = Some(State { setup: setup.clone(), gradients, moments, buffers, steps: 0, carry: None });
        Ok(())
    }

    /// Drops the training there is.
    fn forget_training(&mut self) {
        let Some(State { buffers, carry, .. }) = self.training.take() else { return };
        self.budget.give_back(buffers);
        if let Some(carry) = carry {
            self.drop_carry(carry);
        }
    }

    /// Optimizer steps done since `configure`.
    pub fn steps(&self) -> u64 {
        self.training.as_ref().map_or(0, |training| training.steps)
    }

    /// The moments in the optimizer's order, each laid out as the parameters without the statistics.
    pub fn moments(&mut self) -> Result<Vec<Vec<B::Real>>> {
        let Some(training) = &self.training else { return Ok(Vec::new()) };
        let len = self.plan.params.trainable();
        training.moments.iter().map(|memory| self.backend.read(memory, 0..len)).collect()
    }

    /// The training's carry: its lanes and the flat buffer.
    pub fn carry(&mut self) -> Result<Option<(usize, Vec<B::Real>)>> {
        let Some(carry) = self.training.as_ref().and_then(|training| training.carry.as_ref()) else { return Ok(None) };
        let len = self.plan.carry.len(carry.lanes);
        Ok(Some((carry.lanes, self.backend.read(&carry.memory, 0..len)?)))
    }

    /// Goes on where a training stood: after `configure` with its setup. Moments that are not finite and buffers of
    /// another length are refused, and change nothing.
    pub fn restore(&mut self, steps: u64, moments: &[Vec<B::Real>], carry: Option<(usize, Vec<B::Real>)>) -> Result<()> {
        let len = self.plan.params.trainable();
        let training = self.training.as_mut().ok_or_else(|| Error::internal("a training must be configured before it is restored"))?;
        if moments.len() != training.moments.len() || moments.iter().any(|moment| moment.len() != len) {
            return Err(Error::invalid("moments", moments.len(), format!("{} buffers of {len} values", training.moments.len())));
        }
        // A step looks at what its gradients could do, not at what it starts from.
        if let Some(wrong) = moments.iter().flatten().find(|value| !value.is_finite()) {
            return Err(Error::invalid("moments", wrong.to_f64(), "finite numbers"));
        }
        let len = carry.as_ref().map_or(0, |(lanes, _)| self.plan.carry.len(*lanes));
        if let Some((lanes, values)) = carry.as_ref().filter(|(_, values)| values.len() != len) {
            return Err(Error::invalid("carry", values.len(), format!("{len} values for {lanes} lanes")));
        }
        for (memory, values) in training.moments.iter_mut().zip(moments) {
            self.backend.write(memory, 0, values)?;
        }
        training.steps = steps;
        if let Some((lanes, values)) = carry {
            self.ready_carry(lanes)?;
            if let Some(carry) = self.training.as_mut().and_then(|training| training.carry.as_mut()) {
                self.backend.write(&mut carry.memory, 0, &values)?;
            }
        }
        Ok(())
    }

    /// The gradients of the last window that was trained, laid out as the parameters without the statistics, clipped.
    pub fn gradients(&mut self) -> Result<Vec<B::Real>> {
        let len = self.plan.params.trainable();
        match &self.training {
            Some(training) => self.backend.read(&training.gradients, 0..len),
            None => Err(Error::internal("there are no gradients before a training is configured")),
        }
    }

    /// Trains on K windows, one optimizer step each.
    ///
    /// Ends early if `abort` goes up; the window it interrupts leaves no trace. After a non-finite loss or gradient norm the
    /// parameters, moments and carry stay as they were before that window.
    pub fn train(&mut self, request: &TrainingRequest, abort: &AtomicBool) -> Result<TrainedCall> {
        let training = self.training.as_ref().ok_or_else(|| Error::internal("a training must be configured first"))?;
        let steps = training.steps;
        let masks = request.masks.clone().map_or(Masks::Drawn { seed: training.setup.seed }, Masks::Given);
        let scalars = (steps..).zip(&request.learning_rates).map(|(step, &rate)| training.setup.optimizer.scalars(step, rate)).collect();
        let windows = WindowPlan {
            lanes: request.lanes,
            time: request.time,
            starts: request.starts.clone(),
            resets: request.resets.clone(),
            lengths: request.lengths.clone(),
            scalars,
            first_step: steps,
            masks,
        };
        let extent = &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value.extent;
        windows.check(&self.plan, extent, Use::Training)?;
        self.ready_carry(request.lanes)?;
        let (call, failure) = self.run_windows(request.data, &windows, abort).inspect_err(|_| {
            // How far it came is not known, so packed copies of any step of it are not to be trusted.
            self.version += 1 + windows.windows() as u64;
        })?;
        let applied = call.applied as u64;
        self.version += applied;
        if let Some(training) = &mut self.training {
            training.steps += applied;
        }
        failure.map_or(Ok(call), Err)
    }

    /// A zero carry if there is none of that many lanes.
    fn ready_carry(&mut self, lanes: usize) -> Result<()> {
        let Some(training) = &mut self.training else { return Ok(()) };
        if training.carry.as_ref().is_some_and(|carry| carry.lanes == lanes) {
            return Ok(());
        }
        if let Some(old) = training.carry.take() {
            self.drop_carry(old);
        }
        let carry = self.new_carry(lanes)?;
        if let Some(training) = &mut self.training {
            training.carry = Some(carry);
        }
        Ok(())
    }

    /// Runs the windows; an error that is no abort comes beside what was done before it.
    fn run_windows(&mut self, data: u32, windows: &WindowPlan, abort: &AtomicBool) -> Result<(TrainedCall, Option<Error>)> {
        let predict = self.plan.head.predict;
        let shape = Shape { lanes: windows.lanes, time: windows.time, training: true, taps: false };
        self.prepare(Purpose::Training, predict, shape)?;
        let broken = || Error::internal("a training call lost its state");
        let State { setup, gradients, moments, carry, .. } = self.training.as_mut().ok_or_else(broken)?;
        let mut run = Run {
            plan: &self.plan,
            parameters: &mut self.parameters,
            training: Some(Training { gradients, moments, optimizer: &setup.optimizer, clip: &setup.clip }),
            carry: &mut carry.as_mut().ok_or_else(broken)?.memory,
            prepared: self.workspaces.latest()?,
            data: &self.data.get(&data).ok_or_else(broken)?.value,
            windows,
            abort,
        };
        let call = Instant::now();
        self.backend.begin(&mut run, self.version)?;
        let mut by_host = Vec::with_capacity(windows.windows());
        let mut failure = None;
        for k in 0..windows.windows() {
            let clock = Instant::now();
            match run.check_abort().and_then(|()| self.backend.train_window(&mut run, k)) {
                Ok(()) => by_host.push(clock.elapsed().as_secs_f64() * 1e3),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let Finished { mut reports, clock } = self.backend.finish(&mut run)?;
        reports.truncate(by_host.len());
        let (timing, milliseconds) = timing::milliseconds(clock, by_host, call.elapsed().as_secs_f64() * 1e3);
        let applied = reports.iter().take_while(|report| !report.non_finite).count();
        let aborted = failure == Some(Error::Aborted);
        Ok((TrainedCall { reports, milliseconds, timing, applied, aborted }, failure.filter(|_| !aborted)))
    }
}

/// A buffer of `len` times the same value.
fn filled<B: Backend>(backend: &mut B, len: usize, value: f64) -> Result<B::Memory> {
    let mut memory = backend.alloc(len)?;
    if value != 0.0 {
        let piece = [B::Real::from_f64(value); 4096];
        for at in (0..len).step_by(piece.len()) {
            backend.write(&mut memory, at, &piece[..piece.len().min(len - at)])?;
        }
    }
    Ok(memory)
}
