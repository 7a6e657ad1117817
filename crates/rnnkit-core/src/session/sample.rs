//! Sampling: one symbol at a time, each stream on a carry of its own, or on a window of the last symbols.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::workspaces::Purpose;
use super::{Carry, Session, unknown};
use crate::backend::{Backend, Resident, Run, Shape};
use crate::error::{Error, Result};
use crate::math::Scalar;
use crate::rng::{Key, Stream};
use crate::sampler::{Chooser, SamplingOptions};
use crate::unroll;
use crate::window::{Extent, Masks, Values, WindowPlan};

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
    data: Resident<B::Data>,
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
            Context::Carry => FEED,
            Context::Window { length: 0 } => return Err(Error::invalid("context.length", 0, "an integer of at least 1")),
            Context::Window { length } => length,
        };
        let size = self.plan.head.size;
        let chooser = Chooser::new(sampling.options, size)?;
        let inputs = self.backend.load(&Values::Ids(vec![0; capacity + 1]))?;
        let sampler = Sampler {
            sampling: sampling.clone(),
            key: Key::stream(sampling.seed, Stream::Sampling, 0),
            chooser,
            drawn: 0,
            carry: self.new_carry(1)?,
            data: Resident {
                // One position more than is fed: the plan's targets, never read, lie there.
                extent: Extent { positions: capacity + 1, shifted: true, mask: None },
                inputs,
                targets: None,
                mask: None,
            },
            recent: Vec::new(),
            logits: Vec::new(),
            row: vec![0.0; size],
        };
        let id = self.take_id();
        self.samplers.insert(id, sampler);
        Ok(id)
    }

    /// Forgets a stream; unknown numbers are ignored.
    pub fn end_sampling(&mut self, stream: u32) {
        if let Some(sampler) = self.samplers.remove(&stream) {
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
        self.backend.overwrite(&mut sampler.data.inputs, 0, ids)?;
        let windows = WindowPlan {
            lanes: 1,
            time: ids.len(),
            starts: vec![0],
            resets: vec![reset],
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
            data: &sampler.data,
            windows: &windows,
            abort,
        };
        self.backend.begin(&mut run, self.version)?;
        unroll::forward(&mut self.backend, &mut run, 0)?;
        self.backend.logits(&mut run, &mut sampler.logits)?;
        self.backend.keep_carry(&mut run)
    }
}
