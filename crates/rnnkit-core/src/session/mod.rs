//! A model at work: parameters, moments and carry on a backend, and the calls that train, evaluate and sample.

mod budget;
mod evaluate;
mod initial;
mod inspect;
mod sample;
#[cfg(test)]
mod tests;
mod timing;
mod train;
mod workspaces;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::backend::{Backend, Resident, Shape};
use crate::error::{Error, Result};
use crate::init::InitSpec;
use crate::math::Scalar;
use crate::plan::ModelPlan;
use crate::spec::{ModelSpec, Predict};
use crate::window::{Sequence, Values};

use budget::{Budget, bytes};
use workspaces::{Key, Purpose, Workspaces};

pub use evaluate::EvaluationRequest;
pub use inspect::{Inspection, InspectionRequest, OwnWindow};
pub use sample::{Context, Sampling};
pub use timing::Timing;
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
    workspaces: Workspaces<B::Prepared>,
    data: HashMap<u32, Counted<Resident<B::Data>>>,
    evaluations: HashMap<u32, Carry<B>>,
    samplers: HashMap<u32, sample::Sampler<B>>,
    next_id: u32,
    budget: Budget,
}

/// Something with the bytes it takes.
struct Counted<T> {
    bytes: u64,
    value: T,
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
        let mut budget = Budget::new(memory_limit);
        let parameters = budget.take_for(bytes::<B>(plan.params.len()), || backend.alloc(plan.params.len()))?;
        Ok(Self {
            backend,
            plan,
            every_step,
            parameters,
            version: 1,
            training: None,
            workspaces: Workspaces::new(),
            data: HashMap::new(),
            evaluations: HashMap::new(),
            samplers: HashMap::new(),
            next_id: 0,
            budget,
        })
    }

    /// The model.
    pub fn plan(&self) -> &ModelPlan {
        &self.plan
    }

    /// What carries the model out.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Device and kernels in words.
    pub fn describe(&self) -> String {
        self.backend.describe()
    }

    /// Draws initial values. `forget_biases`: for each recurrent layer, the value its forget gate's bias starts from, if it is to be set.
    ///
    /// After [`Error::Aborted`] the parameters are of no use.
    pub fn initialize(&mut self, spec: &InitSpec, seed: u64, forget_biases: &[Option<f64>], abort: &AtomicBool) -> Result<()> {
        self.version += 1;
        let Self { backend, plan, parameters, .. } = self;
        initial::draw(plan, spec, seed, forget_biases, abort, |offset, values| {
            let values: Vec<B::Real> = values.iter().copied().map(B::Real::from_f64).collect();
            backend.write(parameters, offset, &values)
        })
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
        let mask = sequence.mask.as_ref().map(|mask| Values::Real { width: 1, values: mask.clone() });
        let targets = sequence.given_targets();
        let bytes = [Some(&sequence.inputs), targets, mask.as_ref()].into_iter().flatten().map(Values::bytes).sum();
        let Self { backend, budget, .. } = self;
        let value = budget.take_for(bytes, || {
            Ok(Resident {
                extent: sequence.extent(),
                inputs: backend.load(&sequence.inputs)?,
                targets: targets.map(|targets| backend.load(targets)).transpose()?,
                mask: mask.as_ref().map(|mask| backend.load(mask)).transpose()?,
            })
        })?;
        let id = self.take_id();
        self.data.insert(id, Counted { bytes, value });
        Ok(id)
    }

    /// Forgets a sequence; unknown numbers are ignored.
    pub fn unload(&mut self, data: u32) {
        if let Some(data) = self.data.remove(&data) {
            self.budget.give_back(data.bytes);
        }
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Makes the workspace of that key the latest one, allocating it if it is not there.
    fn prepare(&mut self, purpose: Purpose, predict: Predict, shape: Shape) -> Result<()> {
        let key = Key { purpose, predict, shape };
        if self.workspaces.find(key) {
            return Ok(());
        }
        let plan = self.plan_for(predict).clone();
        self.workspaces.make_room(purpose, &mut self.budget);
        let bytes = self.backend.memory_needed(&plan, shape);
        let workspace = self.budget.take_for(bytes, || self.backend.prepare(&plan, shape))?;
        self.workspaces.add(key, bytes, workspace);
        Ok(())
    }

    /// A zero carry for that many lanes.
    fn new_carry(&mut self, lanes: usize) -> Result<Carry<B>> {
        let len = self.plan.carry.len(lanes);
        let memory = self.budget.take_for(bytes::<B>(len), || self.backend.alloc(len))?;
        Ok(Carry { lanes, memory })
    }

    /// Counts a carry out that is dropped.
    fn drop_carry(&mut self, carry: Carry<B>) {
        self.budget.give_back(bytes::<B>(self.plan.carry.len(carry.lanes)));
    }

    fn plan_for(&self, predict: Predict) -> &Arc<ModelPlan> {
        if predict == self.plan.head.predict { &self.plan } else { &self.every_step }
    }
}

fn unknown(what: &str, id: u32) -> Error {
    Error::internal(format!("there is no {what} {id}"))
}
