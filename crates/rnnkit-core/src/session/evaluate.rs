//! Evaluation and prediction: windows forward, each evaluation on a carry of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::workspaces::Purpose;
use super::{Session, bytes, unknown};
use crate::backend::{Backend, LogitRows, Run, RunOf, Shape};
use crate::error::{Error, Result};
use crate::memory::zeros;
use crate::plan::ModelPlan;
use crate::spec::Predict;
use crate::unroll;
use crate::window::{Masks, Report, Use, WindowPlan};

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
    /// [K, N], or `None`: all lanes have T time steps.
    pub lengths: Option<Vec<u32>>,
    /// Predict at every step, whatever the model's head does.
    pub every_step: bool,
}

impl EvaluationRequest {
    fn windows(&self) -> WindowPlan {
        WindowPlan {
            lanes: self.lanes,
            time: self.time,
            starts: self.starts.clone(),
            resets: self.resets.clone(),
            lengths: self.lengths.clone(),
            scalars: Vec::new(),
            first_step: 0,
            masks: Masks::Off,
        }
    }
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
        let reports = self.run_evaluation(evaluation, request, Use::Evaluation, abort, |backend, run, windows| {
            for k in 0..windows {
                run.check_abort()?;
                backend.evaluate_window(run, k)?;
            }
            Ok(backend.finish(run)?.reports)
        })?;
        match reports.iter().find(|report| report.non_finite) {
            Some(report) => Err(Error::NonFinite { what: format!("the loss on these data is {}", report.loss) }),
            None => Ok(reports),
        }
    }

    /// Logits or predictions of K windows: [K, T, N, size] for a head that predicts at every step, zero past a lane's end, else [K, N, size].
    /// The data need no targets. The carry goes on from the evaluation's last call.
    pub fn predict(&mut self, evaluation: u32, request: &EvaluationRequest, abort: &AtomicBool) -> Result<Vec<B::Real>> {
        let every_step = request.every_step || self.plan.head.predict == Predict::EveryStep;
        let rows = if every_step { LogitRows::EveryStep } else { LogitRows::LastStep };
        let steps = if every_step { request.time } else { 1 };
        let len = request.starts.len().saturating_mul(steps).saturating_mul(self.plan.head.size);
        self.budget.take(bytes::<B>(len))?;
        let predicted = self.run_evaluation(evaluation, request, Use::Prediction, abort, |backend, run, windows| {
            let mut all = zeros(len)?;
            for (k, out) in all.chunks_exact_mut(len / windows).enumerate() {
                run.check_abort()?;
                unroll::forward(backend, run, k)?;
                backend.logits(run, rows, out)?;
                backend.keep_carry(run)?;
            }
            backend.finish(run)?;
            Ok(all)
        });
        self.budget.give_back(bytes::<B>(len));
        predicted
    }

    /// Runs something on the windows of a request, from an evaluation's carry; it is told how many windows there are.
    fn run_evaluation<T>(
        &mut self,
        evaluation: u32,
        request: &EvaluationRequest,
        use_of: Use,
        abort: &AtomicBool,
        act: impl FnOnce(&mut B, &mut RunOf<'_, B>, usize) -> Result<T>,
    ) -> Result<T> {
        let predict = if request.every_step { Predict::EveryStep } else { self.plan.head.predict };
        let plan = self.plan_for(predict).clone();
        refuse_to_look_ahead(&self.plan, request.every_step)?;
        let windows = request.windows();
        let extent = &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value.extent;
        windows.check(&plan, extent, use_of)?;
        self.prepare(Purpose::Evaluation, predict, Shape { lanes: request.lanes, time: request.time, training: false, taps: false })?;
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
        act(&mut self.backend, &mut run, windows.windows())
    }
}

/// A last-step model in two directions has learnt to predict from both ends of a window: asked at every step it would see what it predicts.
fn refuse_to_look_ahead(plan: &Arc<ModelPlan>, every_step: bool) -> Result<()> {
    if every_step && plan.head.predict == Predict::LastStep && plan.is_bidirectional() {
        return Err(Error::invalid("everyStep", true, "false for a bidirectional model that predicts at the last step"));
    }
    Ok(())
}
