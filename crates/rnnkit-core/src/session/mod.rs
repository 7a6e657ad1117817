//! A model at work: parameters, moments and carry on a backend, and the calls that train, evaluate and sample.

mod evaluate;
mod initial;
mod sample;
mod train;

use std::collections::HashMap;
use std::sync::Arc;

use crate::backend::{Backend, Resident, Shape};
use crate::error::{Error, Result};
use crate::init::InitSpec;
use crate::math::Scalar;
use crate::plan::ModelPlan;
use crate::spec::{ModelSpec, Predict};
use crate::window::Sequence;

pub use evaluate::{EvaluationRequest, Evaluations};
pub use sample::{Context, Sampling};
pub use train::{TrainedCall, TrainingRequest, TrainingSetup};

/// A model on a backend. Not `Sync`: one thread owns it, and one call runs at a time.
pub struct Session<B: Backend> {
    backend: B,
    plan: Arc<ModelPlan>,
    /// The same model predicting at every step, for evaluation of a last-step model with carry.
    every_step: Arc<ModelPlan>,
    parameters: B::Memory,
    /// Counts every write of the parameters; packed copies know theirs by it.
    version: u64,
    training: Option<train::State<B>>,
    prepared: HashMap<(Predict, Shape), B::Prepared>,
    data: HashMap<u32, Resident<B::Data>>,
    evaluations: HashMap<u32, Carry<B>>,
    samplers: HashMap<u32, sample::Sampler<B>>,
    next_id: u32,
    memory_limit: u64,
}

/// A carry of some lanes.
struct Carry<B: Backend> {
    lanes: usize,
    memory: B::Memory,
}

impl<B: Backend> Session<B> {
    /// A model with all parameters zero. `memory_limit`: bytes that parameters, workspaces and data may take together, checked before
    /// each is allocated.
    pub fn new(mut backend: B, spec: &ModelSpec, memory_limit: u64) -> Result<Self> {
        let plan = Arc::new(ModelPlan::new(spec)?);
        let mut every_step = spec.clone();
        every_step.head.predict = Predict::EveryStep;
        let every_step = Arc::new(ModelPlan::new(&every_step)?);
        check_memory(bytes::<B>(plan.params.len()), memory_limit)?;
        let parameters = backend.alloc(plan.params.len())?;
        Ok(Self {
            backend,
            plan,
            every_step,
            parameters,
            version: 1,
            training: None,
            prepared: HashMap::new(),
            data: HashMap::new(),
            evaluations: HashMap::new(),
            samplers: HashMap::new(),
            next_id: 0,
            memory_limit,
        })
    }

    /// The model.
    pub fn plan(&self) -> &ModelPlan {
        &self.plan
    }

    /// Device and kernels in words.
    pub fn describe(&self) -> String {
        self.backend.describe()
    }

    /// Draws initial values. `forget_biases`: for each recurrent layer, the value its forget gate's bias starts from, if it is to be set.
    pub fn initialize(&mut self, spec: &InitSpec, seed: u64, forget_biases: &[Option<f64>]) -> Result<()> {
        let values = initial::initial_parameters(&self.plan, spec, seed, forget_biases)?;
        let values: Vec<B::Real> = values.into_iter().map(B::Real::from_f64).collect();
        self.set_parameters(&values)
    }

    /// The flat buffer, laid out by `plan().params`.
    pub fn parameters(&mut self) -> Result<Vec<B::Real>> {
        self.backend.read(&self.parameters, 0..self.plan.params.len())
    }

    /// Overwrites the flat buffer.
    pub fn set_parameters(&mut self, values: &[B::Real]) -> Result<()> {
        if values.len() != self.plan.params.len() {
            return Err(Error::invalid("parameters", values.len(), format!("{} values", self.plan.params.len())));
        }
        self.version += 1;
        self.backend.write(&mut self.parameters, 0, values)
    }

    /// Hands a sequence over; the number names it in later calls.
    pub fn load(&mut self, sequence: &Sequence) -> Result<u32> {
        sequence.check(&self.plan)?;
        let mask = sequence.mask.as_ref().map(|mask| crate::window::Values::Real { width: 1, values: mask.clone() });
        let resident = Resident {
            extent: sequence.extent(),
            inputs: self.backend.load(&sequence.inputs)?,
            targets: sequence.targets.as_ref().map(|targets| self.backend.load(targets)).transpose()?,
            mask: mask.as_ref().map(|mask| self.backend.load(mask)).transpose()?,
        };
        let id = self.take_id();
        self.data.insert(id, resident);
        Ok(id)
    }

    /// Forgets a sequence; unknown numbers are ignored.
    pub fn unload(&mut self, data: u32) {
        self.data.remove(&data);
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// The workspace for a shape, made at its first use.
    fn prepare(&mut self, predict: Predict, shape: Shape) -> Result<()> {
        if !self.prepared.contains_key(&(predict, shape)) {
            let plan = self.plan_for(predict).clone();
            // Another shape of the same kind makes room: a training has one shape at a time.
            self.prepared.retain(|(_, old), _| old.training != shape.training || old.lanes != shape.lanes);
            check_memory(self.backend.memory_needed(&plan, shape), self.memory_limit)?;
            let prepared = self.backend.prepare(&plan, shape)?;
            self.prepared.insert((predict, shape), prepared);
        }
        Ok(())
    }

    fn plan_for(&self, predict: Predict) -> &Arc<ModelPlan> {
        if predict == self.plan.head.predict { &self.plan } else { &self.every_step }
    }
}

/// Bytes of a buffer.
fn bytes<B: Backend>(len: usize) -> u64 {
    (len as u64).saturating_mul(size_of::<B::Real>() as u64)
}

/// An error if `needed` bytes are more than `available`.
fn check_memory(needed: u64, available: u64) -> Result<()> {
    if needed > available { Err(Error::Memory { needed, available }) } else { Ok(()) }
}

fn unknown(what: &str, id: u32) -> Error {
    Error::internal(format!("there is no {what} {id}"))
}
