//! Looking inside: one window with everything kept, for teaching views and gradient checks.

use std::sync::atomic::AtomicBool;

use super::workspaces::Purpose;
use super::{Session, bytes, unknown};
use crate::backend::{Backend, LogitRows, Run, Shape, Tap, Training};
use crate::bptt;
use crate::error::Result;
use crate::grad_clip::ClipSpec;
use crate::optim::{Flavour, OptimizerSpec, Sgd};
use crate::spec::Predict;
use crate::unroll;
use crate::window::{Masks, Report, Sequence, Use, WindowPlan};

/// An optimizer that keeps nothing: gradients are looked at, and no step is made.
const NO_STEP: OptimizerSpec =
    OptimizerSpec::Sgd(Sgd { flavour: Flavour::PyTorch, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 });

/// One window, from zero carry and without dropout.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectionRequest {
    /// Number of the resident sequence; it has targets if gradients are wanted.
    pub data: u32,
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T.
    pub time: usize,
    /// `[N]`.
    pub starts: Vec<u32>,
    /// `[N]`, or `None`: all lanes have T time steps.
    pub lengths: Option<Vec<u32>>,
    /// Whether to go back too; batch normalisation then takes the window's statistics, as in training.
    pub gradients: bool,
    /// What to show, in this order.
    pub taps: Vec<Tap>,
}

/// A window with data of its own, handed over for one look.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnWindow {
    /// The data; with targets if gradients are wanted.
    pub sequence: Sequence,
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T.
    pub time: usize,
    /// `[N]`.
    pub starts: Vec<u32>,
    /// `[N]`, or `None`: all lanes have T time steps.
    pub lengths: Option<Vec<u32>>,
}

impl OwnWindow {
    /// A single sequence from its beginning to its end.
    pub fn whole(sequence: Sequence) -> Self {
        let time = sequence.inputs.positions();
        Self { sequence, lanes: 1, time, starts: vec![0], lengths: None }
    }
}

/// What a window showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection<R> {
    /// The loss, where gradients were wanted.
    pub report: Option<Report>,
    /// Of all parameters, laid out as they are, without the statistics; empty if not wanted.
    pub gradients: Vec<R>,
    /// Logits or predictions: [T, N, size] of a head that predicts at every step, else [N, size].
    pub logits: Vec<R>,
    /// One for each tap of the request.
    pub taps: Vec<Vec<R>>,
}

impl<B: Backend> Session<B> {
    /// As [`Session::inspect`], on data that are handed over for this look alone.
    pub fn inspect_own(&mut self, window: &OwnWindow, gradients: bool, taps: Vec<Tap>, abort: &AtomicBool) -> Result<Inspection<B::Real>> {
        let data = self.load(&window.sequence)?;
        let OwnWindow { lanes, time, .. } = *window;
        let (starts, lengths) = (window.starts.clone(), window.lengths.clone());
        let shown = self.inspect(&InspectionRequest { data, lanes, time, starts, lengths, gradients, taps }, abort);
        self.unload(data);
        shown
    }

    /// Runs one window and shows what it was asked for. Nothing of the model changes.
    pub fn inspect(&mut self, request: &InspectionRequest, abort: &AtomicBool) -> Result<Inspection<B::Real>> {
        let len = if request.gradients { self.plan.params.trainable() } else { 0 };
        let carry = self.new_carry(request.lanes)?;
        let Self { backend, budget, .. } = self;
        let shown = match budget.take_for(bytes::<B>(len), || backend.alloc(len)) {
            Ok(gradients) => {
                let shown = self.inspect_with(request, gradients, carry.memory, abort);
                self.budget.give_back(bytes::<B>(len));
                shown
            }
            Err(error) => Err(error),
        };
        self.budget.give_back(bytes::<B>(self.plan.carry.len(carry.lanes)));
        shown
    }

    fn inspect_with(
        &mut self,
        request: &InspectionRequest,
        mut gradients: B::Memory,
        mut carry: B::Memory,
        abort: &AtomicBool,
    ) -> Result<Inspection<B::Real>> {
        let plan = self.plan.clone();
        let windows = WindowPlan {
            lanes: request.lanes,
            time: request.time,
            starts: request.starts.clone(),
            resets: vec![true; request.lanes],
            lengths: request.lengths.clone(),
            scalars: vec![NO_STEP.scalars(0, 0.0)],
            first_step: 0,
            masks: Masks::Off,
        };
        let extent = &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value.extent;
        windows.check(&plan, extent, if request.gradients { Use::Training } else { Use::Prediction })?;
        let shape = Shape { lanes: request.lanes, time: request.time, training: request.gradients, taps: true };
        self.prepare(Purpose::Inspection, plan.head.predict, shape)?;
        let training = request.gradients.then_some(Training {
            gradients: &mut gradients,
            moments: &mut [],
            optimizer: &NO_STEP,
            clip: &ClipSpec::None {},
        });
        let mut run = Run {
            plan: &plan,
            parameters: &mut self.parameters,
            training,
            carry: &mut carry,
            prepared: self.workspaces.latest()?,
            data: &self.data.get(&request.data).ok_or_else(|| unknown("sequence", request.data))?.value,
            windows: &windows,
            abort,
        };
        self.backend.begin(&mut run, self.version)?;
        if request.gradients {
            bptt::gradients(&mut self.backend, &mut run, 0)?;
        } else {
            unroll::forward(&mut self.backend, &mut run, 0)?;
        }
        let taps = request.taps.iter().map(|&tap| self.backend.tap(&mut run, tap)).collect::<Result<_>>()?;
        let rows = if plan.head.predict == Predict::EveryStep { LogitRows::EveryStep } else { LogitRows::LastStep };
        let mut logits = vec![B::Real::default(); plan.predicted(request.lanes, request.time) * plan.head.size];
        self.backend.logits(&mut run, rows, &mut logits)?;
        let report = self.backend.finish(&mut run)?.reports.first().copied();
        let len = if request.gradients { plan.params.trainable() } else { 0 };
        let gradients = self.backend.read(&gradients, 0..len)?;
        Ok(Inspection { report, gradients, logits, taps })
    }
}
