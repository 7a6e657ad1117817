//! Evaluation: windows forward with their loss, each evaluation on a carry of its own.

use std::sync::atomic::AtomicBool;

use super::workspaces::Purpose;
use super::{Session, unknown};
use crate::backend::{Backend, Run, Shape};
use crate::error::{Error, Result};
use crate::spec::Predict;
use crate::window::{Masks, Report, WindowPlan};

/// The windows of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRequest {
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
    /// Predict at every step, whatever the model's head does.
    pub every_step: bool,
}

impl<B: Backend> Session<B> {
    /// Begins an evaluation on that many lanes, at zero carry; its number names it in later calls.
    pub fn begin_evaluation(&mut self, lanes: usize) -> Result<u32> {
        let carry = self.new_carry(lanes)?;
        let id = self.take_id();
        self.evaluations.insert(id, carry);
        Ok(id)
    }

    /// Forgets an evaluation's carry; unknown numbers are ignored.
    pub fn end_evaluation(&mut self, evaluation: u32) {
        if let Some(carry) = self.evaluations.remove(&evaluation) {
            self.drop_carry(carry);
        }
    }

    /// Scores K windows; the carry goes on from the evaluation's last call.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if a loss is not finite, besides what a wrong request gives.
    pub fn evaluate(&mut self, evaluation: u32, request: &EvaluationRequest, abort: &AtomicBool) -> Result<Vec<Report>> {
        let predict = if request.every_step { Predict::EveryStep } else { self.plan.head.predict };
        let shape = Shape { lanes: request.lanes, time: request.time, training: false, taps: false };
        let windows = WindowPlan {
            lanes: request.lanes,
            time: request.time,
            starts: request.starts.clone(),
            resets: request.resets.clone(),
            scalars: Vec::new(),
            first_step: 0,
            masks: Masks::Off,
        };
        let plan = self.plan_for(predict).clone();
        let extent = &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value.extent;
        windows.check(&plan, extent, false)?;
        self.prepare(Purpose::Evaluation, predict, shape)?;
        let carry = self.evaluations.get_mut(&evaluation).ok_or_else(|| unknown("evaluation", evaluation))?;
        if carry.lanes != request.lanes {
            return Err(Error::invalid("lanes", request.lanes, format!("{}, as the evaluation was begun with", carry.lanes)));
        }
        let mut run = Run {
            plan: &plan,
            parameters: &mut self.parameters,
            training: None,
            carry: &mut carry.memory,
            prepared: self.workspaces.latest()?,
            data: &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value,
            windows: &windows,
            abort,
        };
        self.backend.begin(&mut run, self.version)?;
        for k in 0..windows.windows() {
            run.check_abort()?;
            self.backend.evaluate_window(&mut run, k)?;
        }
        let reports = self.backend.finish(&mut run)?;
        match reports.iter().find(|report| report.non_finite) {
            Some(report) => Err(Error::NonFinite { what: format!("the loss on this text is {}", report.loss) }),
            None => Ok(reports),
        }
    }
}
