//! One window on a backend, every value and stage of it in reach: what tests, reference cases and benches look through.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rnnkit_core::Result;
use rnnkit_core::backend::{Backend, Resident, Run, RunOf, Shape, Tap, Training};
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::math::Scalar;
use rnnkit_core::optim::{Flavour, OptimizerSpec, Sgd};
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::spec::ModelSpec;
use rnnkit_core::window::{Masks, Report, Sequence, Use, Values, WindowPlan};

/// Plain gradient descent; with learning rate 0 a step changes nothing.
pub const SGD: OptimizerSpec =
    OptimizerSpec::Sgd(Sgd { flavour: Flavour::PyTorch, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 });

/// What a step does with the gradients, and what the backend keeps besides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The optimizer; its moments start as it says.
    pub optimizer: OptimizerSpec,
    /// Clipping.
    pub clip: ClipSpec,
    /// Learning rate; at 0 a step changes nothing.
    pub learning_rate: f64,
    /// Whether everything is kept for [`OneWindow::tap`].
    pub taps: bool,
}

impl Step {
    /// Changes nothing and keeps everything.
    pub const LOOK: Self = Self { optimizer: SGD, clip: ClipSpec::None {}, learning_rate: 0.0, taps: true };
}

/// A model, one window of data, and a backend.
pub struct OneWindow<B: Backend> {
    backend: B,
    plan: Arc<ModelPlan>,
    step: Step,
    parameters: B::Memory,
    gradients: B::Memory,
    moments: Vec<B::Memory>,
    carry: B::Memory,
    start: Vec<B::Real>,
    prepared: B::Prepared,
    /// The window's data as the backend holds them.
    pub data: Resident<B::Data>,
    windows: WindowPlan,
    version: u64,
    abort: AtomicBool,
}

/// Which window, and how it is run.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The model.
    pub spec: ModelSpec,
    /// The data.
    pub sequence: Sequence,
    /// Lanes N.
    pub lanes: usize,
    /// Time steps T.
    pub time: usize,
    /// `[N]`: where each lane starts.
    pub starts: Vec<u32>,
    /// `[N]`: whether it starts from zero.
    pub resets: Vec<bool>,
    /// `[N]`: how many time steps each lane has, or `None`: all have T.
    pub lengths: Option<Vec<u32>>,
    /// Dropout.
    pub masks: Masks,
}

impl<B: Backend> OneWindow<B> {
    /// All parameters and the carry zero; a step changes nothing, and the backend keeps everything.
    pub fn new(backend: B, setup: &Setup) -> Result<Self> {
        Self::with(backend, setup, Step::LOOK)
    }

    /// All parameters and the carry zero.
    pub fn with(mut backend: B, setup: &Setup, step: Step) -> Result<Self> {
        let plan = Arc::new(ModelPlan::new(&setup.spec)?);
        setup.sequence.check(&plan)?;
        let windows = WindowPlan {
            lanes: setup.lanes,
            time: setup.time,
            starts: setup.starts.clone(),
            resets: setup.resets.clone(),
            lengths: setup.lengths.clone(),
            scalars: vec![step.optimizer.scalars(0, step.learning_rate)],
            first_step: 0,
            masks: setup.masks.clone(),
        };
        windows.check(&plan, &setup.sequence.extent(), Use::Training)?;
        let shape = Shape { lanes: setup.lanes, time: setup.time, training: true, taps: step.taps };
        Ok(Self {
            step,
            parameters: backend.alloc(plan.params.len())?,
            gradients: backend.alloc(plan.params.trainable())?,
            moments: moments(&mut backend, &step.optimizer, plan.params.trainable())?,
            carry: backend.alloc(plan.carry.len(setup.lanes))?,
            start: vec![B::Real::default(); plan.carry.len(setup.lanes)],
            prepared: backend.prepare(&plan, shape)?,
            data: resident(&mut backend, &setup.sequence)?,
            backend,
            plan,
            windows,
            version: 0,
            abort: AtomicBool::new(false),
        })
    }

    /// The model.
    pub fn plan(&self) -> &ModelPlan {
        &self.plan
    }

    /// Overwrites the flat buffer of parameters.
    pub fn set_parameters(&mut self, values: &[f64]) -> Result<()> {
        self.version += 1;
        self.backend.write(&mut self.parameters, 0, &real::<B>(values))
    }

    /// The carry that each run starts from, in the carry's layout.
    pub fn set_carry(&mut self, values: &[f64]) {
        self.start = real::<B>(values);
    }

    /// Forward, back and a step.
    pub fn train(&mut self) -> Result<Report> {
        let report = self.run(true, |backend, run| backend.train_window(run, 0))?;
        self.version += 1;
        Ok(report)
    }

    /// Begins a call: the reports of the last one are forgotten.
    pub fn begin(&mut self) -> Result<()> {
        let version = self.version;
        self.with_run(true, |backend, run| backend.begin(run, version))
    }

    /// Some stages of a training step, after [`OneWindow::begin`], on what earlier stages left. `updates`: how often they update.
    pub fn stages<T>(&mut self, updates: u64, act: impl FnOnce(&mut B, &mut RunOf<'_, B>) -> Result<T>) -> Result<T> {
        let result = self.with_run(true, act);
        self.version += updates;
        result
    }

    /// Length of a lane's sequence.
    pub fn length(&self, lane: usize) -> usize {
        self.windows.length(0, lane)
    }

    /// The parameters as they are, laid out as they are; a training step moves the statistics among them.
    pub fn parameters(&mut self) -> Result<Vec<f64>> {
        Ok(wide(&self.backend.read(&self.parameters, 0..self.plan.params.len())?))
    }

    /// Forward with loss, with the same dropout.
    pub fn evaluate(&mut self) -> Result<Report> {
        self.run(false, |backend, run| backend.evaluate_window(run, 0))
    }

    fn run(&mut self, training: bool, stage: impl FnOnce(&mut B, &mut RunOf<'_, B>) -> Result<()>) -> Result<Report> {
        self.backend.write(&mut self.carry, 0, &self.start)?;
        let version = self.version;
        let reports = self.with_run(training, |backend, run| {
            backend.begin(run, version)?;
            stage(backend, run)?;
            Ok(backend.finish(run)?.reports)
        })?;
        Ok(reports[0])
    }

    fn with_run<T>(&mut self, training: bool, act: impl FnOnce(&mut B, &mut RunOf<'_, B>) -> Result<T>) -> Result<T> {
        let (gradients, moments, Step { optimizer, clip, .. }) = (&mut self.gradients, &mut self.moments[..], &self.step);
        let training = training.then_some(Training { gradients, moments, optimizer, clip });
        let mut run = Run {
            plan: &self.plan,
            parameters: &mut self.parameters,
            training,
            carry: &mut self.carry,
            prepared: &mut self.prepared,
            data: &self.data,
            windows: &self.windows,
            abort: &self.abort,
        };
        act(&mut self.backend, &mut run)
    }

    /// A value of the last run.
    pub fn tap(&mut self, tap: Tap) -> Result<Vec<f64>> {
        Ok(wide(&self.with_run(true, |backend, run| backend.tap(run, tap))?))
    }

    /// Gradients of the last training run, laid out as the parameters without the statistics.
    pub fn gradients(&mut self) -> Result<Vec<f64>> {
        Ok(wide(&self.backend.read(&self.gradients, 0..self.plan.params.trainable())?))
    }

    /// The carry after the last run, in the carry's layout.
    pub fn carry(&mut self) -> Result<Vec<f64>> {
        Ok(wide(&self.backend.read(&self.carry, 0..self.start.len())?))
    }
}

/// Each moment at its initial value.
pub fn moments<B: Backend>(backend: &mut B, optimizer: &OptimizerSpec, len: usize) -> Result<Vec<B::Memory>> {
    let filled = |initial: f64| {
        let mut memory = backend.alloc(len)?;
        backend.write(&mut memory, 0, &vec![B::Real::from_f64(initial); len])?;
        Ok(memory)
    };
    optimizer.moments().iter().map(|moment| moment.initial).map(filled).collect()
}

fn resident<B: Backend>(backend: &mut B, sequence: &Sequence) -> Result<Resident<B::Data>> {
    let mask = sequence.mask.as_ref().map(|mask| Values::Real { width: 1, values: mask.clone() });
    Ok(Resident {
        extent: sequence.extent(),
        inputs: backend.load(&sequence.inputs)?,
        targets: sequence.given_targets().map(|targets| backend.load(targets)).transpose()?,
        mask: mask.as_ref().map(|mask| backend.load(mask)).transpose()?,
    })
}

/// From f64 to a backend's numbers.
pub fn real<B: Backend>(values: &[f64]) -> Vec<B::Real> {
    values.iter().map(|&value| B::Real::from_f64(value)).collect()
}

/// From a backend's numbers to f64, exactly.
pub fn wide<R: Scalar>(values: &[R]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}
