//! Inputs with what they should lead to, as they are handed over.

use std::ops::Range;

use super::{Aim, Extent, Values};
use crate::error::{Error, Result};
use crate::memory::zeros;
use crate::plan::ModelPlan;

/// What the inputs of a sequence should lead to.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The target of position p is the input at p + 1.
    Shifted,
    /// The target of position p at p.
    Given(Values),
    /// None: the data can be predicted from, but not trained on.
    None,
}

/// Inputs with what they should lead to, handed over once.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The inputs. An id equal to the vocabulary is *no symbol*, the zero vector, unless the targets are the inputs shifted.
    pub inputs: Values,
    /// The targets.
    pub targets: Targets,
    /// 1 where position p's target counts, 0 where not; `None` = all count.
    pub mask: Option<Vec<f32>>,
    /// Ranges of positions that windows use, in order and without overlap; `None` = all. What lies between is padding: it may hold anything,
    /// and is not looked at.
    pub used: Option<Vec<Range<usize>>>,
}

impl Sequence {
    /// A text: each position's target is the next one's input.
    pub fn shifted(ids: Vec<u32>) -> Self {
        Self { inputs: Values::Ids(ids), targets: Targets::Shifted, mask: None, used: None }
    }

    /// Inputs with a target for each position.
    pub fn paired(inputs: Values, targets: Values) -> Self {
        Self { inputs, targets: Targets::Given(targets), mask: None, used: None }
    }

    /// The targets that are apart from the inputs, if there are such.
    pub fn given_targets(&self) -> Option<&Values> {
        if let Targets::Given(targets) = &self.targets { Some(targets) } else { None }
    }

    /// Checks the sequence against a model.
    pub fn check(&self, plan: &ModelPlan) -> Result<()> {
        let positions = self.inputs.positions();
        let used = self.used_positions(positions)?;
        let used = |position: usize| used.as_ref().is_none_or(|used| used[position]);
        match (&self.inputs, plan.spec.input.vocabulary()) {
            (Values::Ids(_), Some(vocabulary)) => {
                let none = usize::from(self.targets != Targets::Shifted);
                self.inputs.check_used("inputs", vocabulary + none, used)?;
            }
            (Values::Real { .. }, None) => self.inputs.check_used("inputs", plan.spec.input.width(), used)?,
            (Values::Ids(_), None) => return Err(Error::invalid("inputs", "ids", "real numbers, as the model's input is")),
            (Values::Real { .. }, Some(_)) => return Err(Error::invalid("inputs", "real numbers", "symbol ids, as the model's input is")),
        }
        self.check_targets(plan, positions, used)?;
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

    fn check_targets(&self, plan: &ModelPlan, positions: usize, used: impl Fn(usize) -> bool) -> Result<()> {
        let targets = match &self.targets {
            Targets::Shifted => &self.inputs,
            Targets::Given(targets) => targets,
            Targets::None => return Ok(()),
        };
        match (targets, plan.is_classifier()) {
            (Values::Ids(_), true) | (Values::Real { .. }, false) => {}
            (Values::Ids(_), false) => return Err(Error::invalid("targets", "ids", "real numbers, as the loss compares numbers")),
            (Values::Real { .. }, true) => {
                return Err(Error::invalid("targets", "real numbers", "symbol ids, as the loss is cross-entropy"));
            }
        }
        if targets.positions() != positions {
            return Err(Error::invalid("targets", targets.positions(), format!("{positions} positions, as many as inputs")));
        }
        // A masked target is not looked at either.
        let counts = |position: usize| used(position) && self.mask.as_ref().is_none_or(|mask| mask.get(position) != Some(&0.0));
        targets.check_used("targets", plan.head.size, counts)
    }

    /// Whether each position is used; `None` = all are.
    fn used_positions(&self, positions: usize) -> Result<Option<Vec<bool>>> {
        let Some(ranges) = &self.used else { return Ok(None) };
        let mut used = zeros(positions)?;
        let mut end = 0;
        for (index, range) in ranges.iter().enumerate() {
            if range.start < end || range.end < range.start || range.end > positions {
                let expected = format!("ranges in order, without overlap, within {positions} positions");
                return Err(Error::invalid(format!("used[{index}]"), format!("{}..{}", range.start, range.end), expected));
            }
            used[range.clone()].fill(true);
            end = range.end;
        }
        Ok(Some(used))
    }

    /// What plans need to know of the sequence once its values are on a device.
    pub fn extent(&self) -> Extent {
        let targets = match self.targets {
            Targets::Shifted => Aim::Shifted,
            Targets::Given(_) => Aim::Given,
            Targets::None => Aim::None,
        };
        Extent { positions: self.inputs.positions(), targets, mask: self.mask.clone(), used: self.used.clone() }
    }
}
