//! What a session's thread owns, and the commands it carries out.

use napi::bindgen_prelude::{Float32Array, Float64Array, Uint32Array};
use rnnkit_core::Error;
use rnnkit_core::init::InitSpec;
use rnnkit_core::plan::ModelPlan;
use rnnkit_core::session::{EvaluationRequest, Sampling, TrainingRequest, TrainingSetup};
use rnnkit_core::spec::ModelSpec;
use rnnkit_core::window::Sequence;
use serde_json::json;

use crate::device::DeviceSpec;
use crate::engine::{Engine, on_session};
use crate::failure::Failure;
use crate::host_sampler::HostSampler;
use crate::outcomes::{
    NativeDone, NativeEvaluated, NativeId, NativeParameters, NativePredicted, NativeReady, NativeSymbols, NativeTrained,
    NativeTrainingState, column, flags, timing,
};
use crate::session_thread::Call;

type Answer<T> = Result<T, Failure>;

/// A session and what must be remembered beside it.
pub struct Worker {
    pub(crate) engine: Engine,
    /// Of the training that was configured last.
    pub(crate) setup: Option<TrainingSetup>,
    /// Samples instead of the engine.
    sampler: Option<HostSampler>,
    /// How often the parameters were written.
    changes: u64,
    /// Bytes of the host.
    pub(crate) memory_limit: u64,
}

impl Worker {
    /// `memory_limit`: bytes of the host.
    pub fn new(spec: &ModelSpec, device: &DeviceSpec, memory_limit: u64) -> Answer<Self> {
        let engine = Engine::new(spec, device, memory_limit)?;
        let sampler = device.sample_on_cpu.then(|| HostSampler::new(spec, device.threads as usize, memory_limit));
        Ok(Worker { engine, setup: None, sampler, changes: 0, memory_limit })
    }

    pub(crate) fn plan(&self) -> &ModelPlan {
        on_session!(&self.engine, session => session.plan())
    }

    pub fn ready(&mut self) -> Answer<NativeReady> {
        let params = &self.plan().params;
        let tensors = params.tensors().iter();
        let layout: Vec<_> = tensors.map(|tensor| json!({ "name": tensor.name, "shape": tensor.shape, "offset": tensor.offset })).collect();
        Ok(NativeReady {
            description: Some(on_session!(&self.engine, session => session.describe())),
            layout: Some(serde_json::Value::from(layout).to_string()),
            length: Some(params.len() as f64),
            ..NativeReady::default()
        })
    }

    pub fn initialize(&mut self, init: &InitSpec, seed: u64, forget_biases: &[Option<f64>], call: &Call) -> Answer<NativeDone> {
        self.changes += 1;
        on_session!(&mut self.engine, session => session.initialize(init, seed, forget_biases, call.abort()))?;
        Ok(NativeDone::default())
    }

    pub fn parameters(&mut self) -> Answer<NativeParameters> {
        let values = on_session!(&mut self.engine, session => session.parameters())?;
        Ok(NativeParameters { values: Some(Float32Array::new(values)), ..NativeParameters::default() })
    }

    pub fn set_parameters(&mut self, values: &[f32]) -> Answer<NativeDone> {
        self.changes += 1;
        on_session!(&mut self.engine, session => session.set_parameters(values))?;
        Ok(NativeDone::default())
    }

    pub fn load(&mut self, sequence: &Sequence) -> Answer<NativeId> {
        Ok(begun(on_session!(&mut self.engine, session => session.load(sequence))?))
    }

    pub fn unload(&mut self, id: u32) -> Answer<NativeDone> {
        on_session!(&mut self.engine, session => session.unload(id));
        Ok(NativeDone::default())
    }

    pub fn configure(&mut self, setup: TrainingSetup) -> Answer<NativeDone> {
        on_session!(&mut self.engine, session => session.configure(&setup))?;
        self.setup = Some(setup);
        Ok(NativeDone::default())
    }

    pub fn training_state(&mut self) -> Answer<NativeTrainingState> {
        let setup = self.setup.as_ref().ok_or_else(|| Error::internal("a training must be configured first"))?;
        let names = setup.optimizer.moments().iter().map(|moment| moment.name.to_owned()).collect();
        let (moments, carry) = on_session!(&mut self.engine, session => (session.moments()?, session.carry()?));
        let (lanes, carry) = carry.unwrap_or_default();
        Ok(NativeTrainingState {
            error: None,
            steps: Some(on_session!(&self.engine, session => session.steps()) as f64),
            moments: Some(moments.into_iter().map(Float32Array::new).collect()),
            moment_names: Some(names),
            carry_lanes: Some(lanes as u32),
            carry: Some(Float32Array::new(carry)),
        })
    }

    pub fn restore(&mut self, steps: u64, moments: &[Vec<f32>], carry: Option<(usize, Vec<f32>)>) -> Answer<NativeDone> {
        on_session!(&mut self.engine, session => session.restore(steps, moments, carry))?;
        Ok(NativeDone::default())
    }

    pub fn train(&mut self, request: &TrainingRequest, call: &Call) -> Answer<NativeTrained> {
        self.changes += 1;
        let trained = on_session!(&mut self.engine, session => session.train(request, call.abort()))?;
        if trained.aborted && call.is_closing() {
            return Err(Failure::Disposed);
        }
        let reports = &trained.reports;
        Ok(NativeTrained {
            error: None,
            losses: column(reports, |report| report.loss),
            nats: column(reports, |report| report.nats),
            counts: column(reports, |report| report.count as f64),
            gradient_norms: column(reports, |report| report.gradient_norm),
            milliseconds: Some(Float64Array::new(trained.milliseconds)),
            timing: Some(timing(trained.timing).to_owned()),
            clipped: flags(reports, |report| report.clipped),
            non_finite: flags(reports, |report| report.non_finite),
            applied: Some(trained.applied as u32),
            aborted: Some(trained.aborted),
        })
    }

    pub fn begin_evaluation(&mut self, lanes: usize) -> Answer<NativeId> {
        Ok(begun(on_session!(&mut self.engine, session => session.begin_evaluation(lanes))?))
    }

    pub fn evaluate(&mut self, evaluation: u32, request: &EvaluationRequest, call: &Call) -> Answer<NativeEvaluated> {
        let reports = on_session!(&mut self.engine, session => session.evaluate(evaluation, request, call.abort()))?;
        Ok(NativeEvaluated {
            error: None,
            losses: column(&reports, |report| report.loss),
            nats: column(&reports, |report| report.nats),
            counts: column(&reports, |report| report.count as f64),
        })
    }

    pub fn predict(&mut self, evaluation: u32, request: &EvaluationRequest, call: &Call) -> Answer<NativePredicted> {
        let values = on_session!(&mut self.engine, session => session.predict(evaluation, request, call.abort()))?;
        Ok(NativePredicted { values: Some(Float32Array::new(values)), ..NativePredicted::default() })
    }

    pub fn end_evaluation(&mut self, evaluation: u32) -> Answer<NativeDone> {
        on_session!(&mut self.engine, session => session.end_evaluation(evaluation));
        Ok(NativeDone::default())
    }

    pub fn begin_sampling(&mut self, sampling: &Sampling) -> Answer<NativeId> {
        Ok(begun(on_session!(self.sampling()?, session => session.begin_sampling(sampling))?))
    }

    pub fn feed(&mut self, stream: u32, ids: &[u32], call: &Call) -> Answer<NativeDone> {
        on_session!(self.sampling()?, session => session.feed(stream, ids, call.abort()))?;
        Ok(NativeDone::default())
    }

    pub fn sample(&mut self, stream: u32, count: usize, call: &Call) -> Answer<NativeSymbols> {
        let ids = on_session!(self.sampling()?, session => session.sample(stream, count, call.abort()))?;
        Ok(NativeSymbols { ids: Some(Uint32Array::new(ids)), ..NativeSymbols::default() })
    }

    pub fn end_sampling(&mut self, stream: u32) -> Answer<NativeDone> {
        let engine = match &mut self.sampler {
            Some(sampler) => sampler.as_it_is(),
            None => Some(&mut self.engine),
        };
        if let Some(engine) = engine {
            on_session!(engine, session => session.end_sampling(stream));
        }
        Ok(NativeDone::default())
    }

    /// What samples, with the present parameters.
    fn sampling(&mut self) -> Answer<&mut Engine> {
        match &mut self.sampler {
            Some(sampler) => Ok(sampler.up_to_date(&mut self.engine, self.changes)?),
            None => Ok(&mut self.engine),
        }
    }
}

fn begun(id: u32) -> NativeId {
    NativeId { id: Some(id), ..NativeId::default() }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::device::tests::device;

    /// A model of a few parameters.
    pub fn tiny() -> ModelSpec {
        serde_json::from_str(
            r#"{"input":{"kind":"oneHot","vocabulary":5},"layers":[{"kind":"recurrent","cell":"lstm","size":4}],
                "head":{"predict":"everyStep","size":5},"loss":{"kind":"crossEntropy"}}"#,
        )
        .unwrap()
    }

    /// Feeds a symbol to a new stream, samples, changes the parameters, samples on.
    fn sampled(worker: &mut Worker) -> Vec<u32> {
        let abort = AtomicBool::new(false);
        let draw = |worker: &mut Worker, seed| {
            worker.changes += 1;
            on_session!(&mut worker.engine, session => session.initialize(&InitSpec::Normal(2.0), seed, &[None], &abort)).unwrap();
        };
        let sampling = r#"{"options":{"temperature":1,"topK":0,"topP":1,"minP":0,"greedy":false},"seed":1,"context":{"kind":"carry"}}"#;
        draw(worker, 1);
        let id = worker.begin_sampling(&serde_json::from_str(sampling).unwrap()).unwrap().id.unwrap();
        let mut ids = Vec::new();
        for seed in [1, 2, 3] {
            draw(worker, seed);
            let engine = worker.sampling().unwrap();
            ids.extend(on_session!(engine, session => {
                session.feed(id, &[seed as u32], &abort).unwrap();
                session.sample(id, 20, &abort).unwrap()
            }));
        }
        worker.end_sampling(id).unwrap();
        ids
    }

    #[test]
    fn a_copy_on_the_cpu_samples_what_the_model_itself_would() {
        let mut itself = Worker::new(&tiny(), &device("cpu"), u64::MAX).unwrap();
        let mut copied =
            Worker { sampler: Some(HostSampler::new(&tiny(), 1, u64::MAX)), ..Worker::new(&tiny(), &device("cpu"), u64::MAX).unwrap() };
        assert_eq!(sampled(&mut copied), sampled(&mut itself));
    }
}
