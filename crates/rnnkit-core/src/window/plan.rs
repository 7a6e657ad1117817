//! Where the windows of a call start, and what is drawn and reset in them.

use super::{Aim, Extent, Use};
use crate::error::{Error, Result};
use crate::optim::StepScalars;
use crate::plan::ModelPlan;
use crate::spec::Predict;

/// The masks of dropout in a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Masks {
    /// No dropout: evaluation and sampling.
    Off,
    /// Drawn by the counter-based generator: stream `Dropout`, instance = step number, child = site, element as
    /// [`crate::plan::Site::element`] counts them.
    Drawn {
        /// The training's seed.
        seed: u64,
    },
    /// Given, the same for all windows of the call: for each site [`crate::plan::Site::elements`] flags, true = kept.
    Given(Vec<Vec<bool>>),
}

/// K windows of T time steps on N lanes over a [`Sequence`](super::Sequence).
#[derive(Debug, Clone, PartialEq)]
pub struct WindowPlan {
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T.
    pub time: usize,
    /// [K, N]: input position of the window's first time step.
    pub starts: Vec<u32>,
    /// [K, N]: whether the lane starts this window from a zero carry.
    pub resets: Vec<bool>,
    /// [K, N]: how many of the T time steps a lane's sequence has, 0 to T; `None` = all have T. Past its end a lane's inputs, outputs and
    /// states are zero, nothing is predicted, and no gradient flows; its carry is the state at its end (at length 0: the one it had, or
    /// zero where it resets).
    pub lengths: Option<Vec<u32>>,
    /// `[K]` in training: what the optimizer needs to know of each step. Empty in evaluation.
    pub scalars: Vec<StepScalars>,
    /// Number of the first window's step, from 0; masks are drawn by it.
    pub first_step: u64,
    /// Dropout.
    pub masks: Masks,
}

impl WindowPlan {
    /// Number of windows K.
    pub fn windows(&self) -> usize {
        self.starts.len().checked_div(self.lanes).unwrap_or(0)
    }

    /// Starts of window k, one a lane.
    pub fn starts_of(&self, k: usize) -> &[u32] {
        &self.starts[k * self.lanes..(k + 1) * self.lanes]
    }

    /// Resets of window k, one a lane.
    pub fn resets_of(&self, k: usize) -> &[bool] {
        &self.resets[k * self.lanes..(k + 1) * self.lanes]
    }

    /// Length of a lane's sequence in window k.
    pub fn length(&self, k: usize, lane: usize) -> usize {
        self.lengths.as_ref().map_or(self.time, |lengths| lengths[k * self.lanes + lane] as usize)
    }

    /// Whether time step t lies within a lane's sequence in window k.
    pub fn holds(&self, k: usize, lane: usize, t: usize) -> bool {
        t < self.length(k, lane)
    }

    /// Checks sizes and that every window, targets included, lies within the sequence.
    pub fn check(&self, plan: &ModelPlan, extent: &Extent, use_of: Use) -> Result<()> {
        let windows = self.windows();
        if self.lanes == 0 || self.time == 0 || windows == 0 || self.starts.len() != windows * self.lanes {
            let got = format!("{} starts for {} lanes of {} time steps", self.starts.len(), self.lanes, self.time);
            return Err(Error::invalid("windows", got, "at least one window of at least one lane and time step"));
        }
        if self.resets.len() != self.starts.len() {
            return Err(Error::invalid("resets", self.resets.len(), format!("{} flags, one a start", self.starts.len())));
        }
        if use_of == Use::Training && self.scalars.len() != windows {
            return Err(Error::invalid("scalars", self.scalars.len(), format!("{windows}, one a window")));
        }
        if use_of != Use::Prediction && extent.targets == Aim::None {
            return Err(Error::invalid("targets", "none", "targets: without them data can only be predicted from"));
        }
        self.check_lengths()?;
        self.check_reach(extent)?;
        self.check_masks(plan)
    }

    fn check_lengths(&self) -> Result<()> {
        let Some(lengths) = &self.lengths else { return Ok(()) };
        if lengths.len() != self.starts.len() {
            return Err(Error::invalid("lengths", lengths.len(), format!("{} lengths, one a start", self.starts.len())));
        }
        match lengths.iter().position(|&length| length as usize > self.time) {
            Some(at) => Err(Error::invalid(format!("lengths[{at}]"), lengths[at], format!("at most {}, the time steps", self.time))),
            None => Ok(()),
        }
    }

    /// Windows and targets lie where the data are used; a lane without time steps looks at nothing.
    fn check_reach(&self, extent: &Extent) -> Result<()> {
        for (at, &start) in self.starts.iter().enumerate() {
            let start = start as usize;
            let Some(last) = self.length(at / self.lanes, at % self.lanes).checked_sub(1) else { continue };
            let (reach, end) = (extent.target(last), extent.end_from(start));
            if start + reach >= end {
                let expected = format!("{} positions, window and target, within those used of {}", reach + 1, extent.positions);
                return Err(Error::invalid(format!("starts[{at}]"), start, format!("the start of {expected}")));
            }
        }
        Ok(())
    }

    fn check_masks(&self, plan: &ModelPlan) -> Result<()> {
        let Masks::Given(masks) = &self.masks else { return Ok(()) };
        for (index, site) in plan.sites.iter().enumerate() {
            let want = site.elements(self.lanes, self.time);
            let got = masks.get(index).map_or(0, Vec::len);
            if got != want {
                return Err(Error::invalid(format!("masks[{index}]"), got, format!("{want} flags")));
            }
        }
        Ok(())
    }

    /// Whether lane and time step of window k are predicted: within the lane's sequence, at its end for a last-step head, and not masked.
    pub fn predicts(&self, plan: &ModelPlan, extent: &Extent, k: usize, lane: usize, t: usize) -> bool {
        let length = self.length(k, lane);
        let wanted = match plan.head.predict {
            Predict::EveryStep => t < length,
            Predict::LastStep => t + 1 == length,
        };
        wanted && extent.counts(self.starts_of(k)[lane] as usize + t)
    }

    /// Positions that window k predicts.
    pub fn count(&self, plan: &ModelPlan, extent: &Extent, k: usize) -> usize {
        if extent.mask.is_none() && self.lengths.is_none() {
            return plan.predicted(self.lanes, self.time);
        }
        let of_lane = |lane: usize| (0..self.time).filter(|&t| self.predicts(plan, extent, k, lane, t)).count();
        (0..self.lanes).map(of_lane).sum()
    }
}
