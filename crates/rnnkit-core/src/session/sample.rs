//! Sampling: one symbol at a time, each stream on a carry of its own, or on a window of the last symbols.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::workspaces::Purpose;
use super::{Carry, Counted, Session, unknown};
use crate::backend::{Backend, LogitRows, Resident, Run, Shape};
use crate::error::{Error, Result};
use crate::math::Scalar;
use crate::memory::zeros;
use crate::rng::{Key, Stream};
use crate::sampler::{Chooser, SamplingOptions};
use crate::unroll;
use crate::window::{Aim, Extent, Masks, Values, WindowPlan};

/// The most symbols that are fed at once.
const FEED: usize = 64;

/// How one stream of samples is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sampling {
    /// How a symbol is chosen from the logits.
    pub options: SamplingOptions,
    /// Seed of the choices.
    pub seed: u64,
    /// What the next symbol is predicted from.
    pub context: Context,
}

/// What the next symbol is predicted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Context {
    /// The carry over everything fed so far.
    Carry,
    /// A zero carry and the last `length` symbols, as a model trained on separate windows must be asked.
    Window {
        /// Symbols looked at, at least 1.
        length: usize,
    },
}

/// One stream of samples.
pub(super) struct Sampler<B: Backend> {
    sampling: Sampling,
    key: Key,
    chooser: Chooser,
    drawn: u64,
    carry: Carry<B>,
    data: Counted<Resident<B::Data>>,
    /// The last symbols, for [`Context::Window`].
    recent: Vec<u32>,
    /// What comes after everything fed so far; empty before the first symbol.
    logits: Vec<B::Real>,
    row: Vec<f32>,
}

impl<B: Backend> Session<B> {
    /// Begins a stream at zero carry; its number names it in later calls.
    pub fn begin_sampling(&mut self, sampling: &Sampling) -> Result<u32> {
        sampling.options.validate()?;
        if self.plan.spec.input.vocabulary() != Some(self.plan.head.size) || !self.plan.is_classifier() {
            return Err(Error::invalid("model", "not a model of symbols", "one whose outputs can be fed back as inputs"));
        }
        let capacity = match sampling.context {
            Context::Carry if self.plan.is_bidirectional() => {
                return Err(Error::invalid("context", "carry", "a window for a bidirectional model, which reads it from its end too"));
            }
            Context::Carry => FEED,
            Context::Window { length: 0 } => return Err(Error::invalid("context.length", 0, "an integer of at least 1")),
            Context::Window { length } => length,
        };
        let size = self.plan.head.size;
        let chooser = Chooser::new(sampling.options, size)?;
        let data = self.room_for_symbols(capacity)?;
        let carry = match self.new_carry(1) {
            Ok(carry) => carry,
            Err(error) => {
                self.budget.give_back(data.bytes);
                return Err(error);
            }
        };
        let sampler = Sampler {
            sampling: sampling.clone(),
            key: Key::stream(sampling.seed, Stream::Sampling, 0),
            chooser,
            drawn: 0,
            carry,
            data,
            recent: Vec::new(),
            logits: Vec::new(),
            row: vec![0.0; size],
        };
        let id = self.take_id();
        self.samplers.insert(id, sampler);
        Ok(id)
    }

    /// Where a stream's symbols go before they are run.
    fn room_for_symbols(&mut self, positions: usize) -> Result<Counted<Resident<B::Data>>> {
        let bytes = (positions as u64).saturating_mul(size_of::<u32>() as u64);
        let Self { backend, budget, .. } = self;
        let inputs = budget.take_for(bytes, || backend.load(&Values::Ids(zeros(positions)?)))?;
        let extent = Extent { positions, targets: Aim::None, mask: None, used: None };
        Ok(Counted { bytes, value: Resident { extent, inputs, targets: None, mask: None } })
    }

    /// Forgets a stream; unknown numbers are ignored.
    pub fn end_sampling(&mut self, stream: u32) {
        if let Some(sampler) = self.samplers.remove(&stream) {
            self.budget.give_back(sampler.data.bytes);
            self.drop_carry(sampler.carry);
        }
    }

    /// Feeds symbols to a stream, a prefix say.
    pub fn feed(&mut self, stream: u32, ids: &[u32], abort: &AtomicBool) -> Result<()> {
        Values::Ids(ids.to_vec()).check("prefix", self.plan.head.size)?;
        let mut sampler = self.samplers.remove(&stream).ok_or_else(|| unknown("stream", stream))?;
        let result = self.feed_to(&mut sampler, ids, abort);
        self.samplers.insert(stream, sampler);
        result
    }

    /// The next `count` symbols of a stream; at least one symbol must have been fed.
    pub fn sample(&mut self, stream: u32, count: usize, abort: &AtomicBool) -> Result<Vec<u32>> {
        let mut sampler = self.samplers.remove(&stream).ok_or_else(|| unknown("stream", stream))?;
        let result = self.sample_from(&mut sampler, count, abort);
        self.samplers.insert(stream, sampler);
        result
    }

    fn sample_from(&mut self, sampler: &mut Sampler<B>, count: usize, abort: &AtomicBool) -> Result<Vec<u32>> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            if sampler.logits.is_empty() {
                return Err(Error::invalid("prefix", "empty", "at least one symbol"));
            }
            for (out, logit) in sampler.row.iter_mut().zip(&sampler.logits) {
                *out = logit.to_f64() as f32;
            }
            let id = sampler.chooser.choose(&sampler.row, sampler.key.uniform(sampler.drawn))? as u32;
            sampler.drawn += 1;
            ids.push(id);
            self.feed_to(sampler, &[id], abort)?;
        }
        Ok(ids)
    }

    fn feed_to(&mut self, sampler: &mut Sampler<B>, ids: &[u32], abort: &AtomicBool) -> Result<()> {
        match sampler.sampling.context {
            Context::Carry => {
                for part in ids.chunks(FEED) {
                    self.run_forward(sampler, part, FEED, false, abort)?;
                }
                Ok(())
            }
            Context::Window { length } => {
                sampler.recent.extend_from_slice(ids);
                let surplus = sampler.recent.len().saturating_sub(length);
                sampler.recent.drain(..surplus);
                let recent = std::mem::take(&mut sampler.recent);
                let result = if recent.is_empty() { Ok(()) } else { self.run_forward(sampler, &recent, length, true, abort) };
                sampler.recent = recent;
                result
            }
        }
    }

    /// Runs `ids` forward from the stream's carry, or from zero; keeps the logits after the last.
    fn run_forward(&mut self, sampler: &mut Sampler<B>, ids: &[u32], capacity: usize, reset: bool, abort: &AtomicBool) -> Result<()> {
        // One step at a time is the common case: a workspace for one time step stays small and in cache.
        let time = if ids.len() == 1 { 1 } else { capacity };
        let shape = Shape { lanes: 1, time, training: false, taps: false };
        self.prepare(Purpose::Sampling, self.plan.head.predict, shape)?;
        self.backend.overwrite(&mut sampler.data.value.inputs, 0, ids)?;
        let windows = WindowPlan {
            lanes: 1,
            time: ids.len(),
            starts: vec![0],
            resets: vec![reset],
            lengths: None,
            scalars: Vec::new(),
            first_step: 0,
            masks: Masks::Off,
        };
        sampler.logits.resize(self.plan.head.size, B::Real::default());
        let mut run = Run {
            plan: &self.plan,
            parameters: &mut self.parameters,
            training: None,
            carry: &mut sampler.carry.memory,
            prepared: self.workspaces.latest()?,
            data: &sampler.data.value,
            windows: &windows,
            abort,
        };
        self.backend.begin(&mut run, self.version)?;
        unroll::forward(&mut self.backend, &mut run, 0)?;
        self.backend.logits(&mut run, LogitRows::LastStep, &mut sampler.logits)?;
        self.backend.keep_carry(&mut run)
    }
}
