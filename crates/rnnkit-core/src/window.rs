//! What one native call works on: resident data, and a plan that names where its K windows start.

use crate::error::{Error, Result};
use crate::optim::StepScalars;
use crate::plan::ModelPlan;
use crate::spec::Predict;

/// A sequence of positions on the host: symbol ids, or rows of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// One id a position.
    Ids(Vec<u32>),
    /// `width` numbers a position.
    Real {
        /// Numbers a position.
        width: usize,
        /// [positions, width].
        values: Vec<f32>,
    },
}

impl Values {
    /// Number of positions.
    pub fn positions(&self) -> usize {
        match self {
            Values::Ids(ids) => ids.len(),
            Values::Real { width, values } => values.len() / width,
        }
    }

    /// Bytes that the values take.
    pub fn bytes(&self) -> u64 {
        4 * match self {
            Values::Ids(ids) => ids.len() as u64,
            Values::Real { values, .. } => values.len() as u64,
        }
    }

    /// The id at a position.
    pub fn id(&self, position: usize) -> Result<u32> {
        match self {
            Values::Ids(ids) => Ok(ids[position]),
            Values::Real { .. } => Err(Error::internal("ids were expected, the data are real numbers")),
        }
    }

    /// The row at a position.
    pub fn row(&self, position: usize) -> Result<&[f32]> {
        match self {
            Values::Real { width, values } => Ok(&values[position * width..(position + 1) * width]),
            Values::Ids(_) => Err(Error::internal("real numbers were expected, the data are ids")),
        }
    }

    /// Checks that ids lie below `limit`, or that rows are `limit` wide.
    pub fn check(&self, field: &str, limit: usize) -> Result<()> {
        match self {
            Values::Ids(ids) => match ids.iter().position(|&id| id as usize >= limit) {
                Some(at) => Err(Error::invalid(format!("{field}[{at}]"), ids[at], format!("a symbol id below {limit}"))),
                None => Ok(()),
            },
            Values::Real { width, .. } if *width != limit => Err(Error::invalid(format!("{field}.width"), width, format!("{limit}"))),
            Values::Real { values, .. } => match values.iter().position(|value| !value.is_finite()) {
                Some(at) => Err(Error::invalid(format!("{field}[{at}]"), values[at], "a finite number")),
                None => Ok(()),
            },
        }
    }
}

/// Inputs with what they should lead to, handed over once.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The inputs.
    pub inputs: Values,
    /// The target of position p at p; `None` = the input at p + 1.
    pub targets: Option<Values>,
    /// 1 where position p's target counts, 0 where not; `None` = all count.
    pub mask: Option<Vec<f32>>,
}

impl Sequence {
    /// Checks the sequence against a model.
    pub fn check(&self, plan: &ModelPlan) -> Result<()> {
        let positions = self.inputs.positions();
        match (&self.inputs, plan.spec.input.vocabulary()) {
            (Values::Ids(_), Some(vocabulary)) => self.inputs.check("inputs", vocabulary)?,
            (Values::Real { .. }, None) => self.inputs.check("inputs", plan.spec.input.width())?,
            (Values::Ids(_), None) => return Err(Error::invalid("inputs", "ids", "real numbers, as the model's input is")),
            (Values::Real { .. }, Some(_)) => return Err(Error::invalid("inputs", "real numbers", "symbol ids, as the model's input is")),
        }
        let targets = self.targets.as_ref().unwrap_or(&self.inputs);
        match (targets, plan.is_classifier()) {
            (Values::Ids(_), true) | (Values::Real { .. }, false) => targets.check("targets", plan.head.size)?,
            (Values::Ids(_), false) => return Err(Error::invalid("targets", "ids", "real numbers, as the loss compares numbers")),
            (Values::Real { .. }, true) => {
                return Err(Error::invalid("targets", "real numbers", "symbol ids, as the loss is cross-entropy"));
            }
        }
        if targets.positions() != positions {
            return Err(Error::invalid("targets", targets.positions(), format!("{positions} positions, as many as inputs")));
        }
        if let Some(mask) = &self.mask {
            if mask.len() != positions {
                return Err(Error::invalid("mask", mask.len(), format!("{positions} values, as many as inputs")));
            }
            if let Some(at) = mask.iter().position(|&value| value != 0.0 && value != 1.0) {
                return Err(Error::invalid(format!("mask[{at}]"), mask[at], "0 or 1"));
            }
        }
        Ok(())
    }

    /// What plans need to know of the sequence once its values are on a device.
    pub fn extent(&self) -> Extent {
        Extent { positions: self.inputs.positions(), shifted: self.targets.is_none(), mask: self.mask.clone() }
    }
}

/// How far a resident sequence reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Extent {
    /// Number of positions.
    pub positions: usize,
    /// The target of position p is the input at p + 1.
    pub shifted: bool,
    /// As in [`Sequence::mask`].
    pub mask: Option<Vec<f32>>,
}

impl Extent {
    /// Position of the target that belongs to input position p.
    pub fn target(&self, position: usize) -> usize {
        if self.shifted { position + 1 } else { position }
    }
}

/// The masks of dropout in a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Masks {
    /// No dropout: evaluation and sampling.
    Off,
    /// Drawn by the counter-based generator: stream `Dropout`, instance = step number, child = site,
    /// element = ((t * N) + lane) * size + unit.
    Drawn {
        /// The training's seed.
        seed: u64,
    },
    /// Given, the same for all windows of the call: for each site [T, N, size], 1 = kept.
    Given(Vec<Vec<bool>>),
}

/// K windows of T time steps on N lanes over a [`Sequence`].
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

    /// Checks sizes and that every window, targets included, lies within the sequence.
    pub fn check(&self, plan: &ModelPlan, extent: &Extent, training: bool) -> Result<()> {
        let windows = self.windows();
        if self.lanes == 0 || self.time == 0 || windows == 0 || self.starts.len() != windows * self.lanes {
            let got = format!("{} starts for {} lanes of {} time steps", self.starts.len(), self.lanes, self.time);
            return Err(Error::invalid("windows", got, "at least one window of at least one lane and time step"));
        }
        if self.resets.len() != self.starts.len() {
            return Err(Error::invalid("resets", self.resets.len(), format!("{} flags, one a start", self.starts.len())));
        }
        if training && self.scalars.len() != windows {
            return Err(Error::invalid("scalars", self.scalars.len(), format!("{windows}, one a window")));
        }
        let positions = extent.positions;
        let reach = extent.target(self.time - 1);
        if let Some(at) = self.starts.iter().position(|&start| start as usize + reach >= positions) {
            let expected =
                format!("at most {}, so that window and targets end within {positions} positions", positions as i64 - 1 - reach as i64);
            return Err(Error::invalid(format!("starts[{at}]"), self.starts[at], expected));
        }
        if let Masks::Given(masks) = &self.masks {
            for site in plan.dropouts() {
                let want = self.time * self.lanes * site.size;
                let got = masks.get(site.site).map_or(0, Vec::len);
                if got != want {
                    return Err(Error::invalid(format!("masks[{}]", site.site), got, format!("{want} flags, [T, N, size]")));
                }
            }
        }
        Ok(())
    }

    /// Positions that window k predicts: those whose target is not masked.
    pub fn count(&self, plan: &ModelPlan, extent: &Extent, k: usize) -> usize {
        let Some(mask) = &extent.mask else {
            return plan.predicted(self.lanes, self.time);
        };
        let first = match plan.head.predict {
            Predict::EveryStep => 0,
            Predict::LastStep => self.time - 1,
        };
        let counts = |start: &u32| (first..self.time).filter(|t| mask[*start as usize + t] != 0.0).count();
        self.starts_of(k).iter().map(counts).sum()
    }
}

/// What came of one window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// The optimised objective, reduced as the spec says (0 where nothing is counted).
    pub loss: f64,
    /// Cross-entropy: sum over predicted positions of -ln p(target), in nats, no smoothing. Squared error: the sum of squares.
    pub nats: f64,
    /// Predicted positions.
    pub count: u64,
    /// L2 norm over all gradients together, before clipping; 0 in evaluation.
    pub gradient_norm: f64,
    /// Whether clipping changed the gradients.
    pub clipped: bool,
    /// A loss or gradient was not finite: this window and the rest of the call changed nothing.
    pub non_finite: bool,
    /// Wall time of this window, in milliseconds; all windows of a call together take as long as the call.
    pub milliseconds: f64,
}
