//! The class that JavaScript sees: each method checks what it is given and posts one command.

use std::cell::Cell;

use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{Float32Array, ObjectFinalize, PromiseRaw};
use napi_derive::napi;

use crate::checkpoint;
use crate::environment;
use crate::failure::Failure;
use crate::outcomes::{
    NativeDone, NativeEvaluated, NativeId, NativeParameters, NativePredicted, NativeReady, NativeSymbols, NativeTensor, NativeTrained,
    NativeTrainingState, Outcome,
};
use crate::requests::{self, NativeEvaluationRequest, NativeTrainingRequest, parsed, whole};
use crate::sequences::NativeSequence;
use crate::session_thread::{Call, SessionThread};
use crate::worker::Worker;

type Promise<'e, T> = napi::Result<PromiseRaw<'e, T>>;

/// A model on a thread of its own, which works off the calls in order.
///
/// A promise resolves to an outcome, `error` inside it: nothing is thrown for bad values, from the constructor on.
#[napi(custom_finalize)]
pub struct NativeSession {
    thread: SessionThread<Worker>,
    /// Bytes that the garbage collector was told of, and will be told to forget.
    reported: Cell<i64>,
}

#[napi]
impl NativeSession {
    /// `model`: JSON of a ModelSpec; `device`: JSON of a DeviceSpec; `memory_limit`: bytes of the host.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, model: String, device: String, memory_limit: f64) -> napi::Result<Self> {
        let thread = SessionThread::start(move || {
            let memory_limit = requests::bytes("memoryLimit", memory_limit)?;
            Worker::new(&parsed("model", &model)?, &parsed("device", &device)?, memory_limit)
        });
        environment::watch(env, thread.shared().clone())?;
        Ok(NativeSession { thread, reported: Cell::new(0) })
    }

    /// What was made, or why nothing was.
    #[napi(catch_unwind)]
    pub fn ready<'e>(&self, env: &'e Env) -> Promise<'e, NativeReady> {
        self.post(env, None, |worker, _| worker.ready())
    }

    /// Draws initial values. `init`: JSON of an InitSpec; `forget_biases`: one for each recurrent layer, NaN = leave. An abort is
    /// `ERR_ABORTED`.
    #[napi(catch_unwind)]
    pub fn initialize<'e>(&self, env: &'e Env, init: String, seed: f64, forget_biases: &[f64], token: f64) -> Promise<'e, NativeDone> {
        let biases = requests::forget_biases(forget_biases);
        self.post(env, Some(token), move |worker, call| worker.initialize(&parsed("init", &init)?, whole("seed", seed)?, &biases, call))
    }

    /// The flat buffer, at once: waits for the call that runs now, not for those that are queued.
    #[napi(catch_unwind)]
    pub fn parameters(&self) -> NativeParameters {
        self.thread.ask(|worker, _| worker.parameters()).unwrap_or_else(|failure| NativeParameters::failed(&failure))
    }

    /// The flat buffer, when its turn has come.
    #[napi(catch_unwind)]
    pub fn read_parameters<'e>(&self, env: &'e Env) -> Promise<'e, NativeParameters> {
        self.post(env, None, |worker, _| worker.parameters())
    }

    /// Overwrites the flat buffer.
    #[napi(catch_unwind)]
    pub fn set_parameters<'e>(&self, env: &'e Env, values: &[f32]) -> Promise<'e, NativeDone> {
        let values = values.to_vec();
        self.post(env, None, move |worker, _| worker.set_parameters(&values))
    }

    /// Hands data over.
    #[napi(catch_unwind)]
    pub fn load<'e>(&self, env: &'e Env, sequence: NativeSequence) -> Promise<'e, NativeId> {
        let sequence = sequence.checked();
        self.post(env, None, move |worker, _| worker.load(&sequence?))
    }

    /// Forgets data.
    #[napi(catch_unwind)]
    pub fn unload<'e>(&self, env: &'e Env, id: f64) -> Promise<'e, NativeDone> {
        self.post(env, None, move |worker, _| worker.unload(requests::index("id", id)?))
    }

    /// Starts a training afresh. `setup`: JSON of a TrainingSetup.
    #[napi(catch_unwind)]
    pub fn configure<'e>(&self, env: &'e Env, setup: String) -> Promise<'e, NativeDone> {
        self.post(env, None, move |worker, _| worker.configure(parsed("setup", &setup)?))
    }

    /// Where the training stands.
    #[napi(catch_unwind)]
    pub fn training_state<'e>(&self, env: &'e Env) -> Promise<'e, NativeTrainingState> {
        self.post(env, None, |worker, _| worker.training_state())
    }

    /// Goes on where a training stood, after `configure` with its setup. `carry_lanes`: 0 = no carry.
    #[napi(catch_unwind)]
    pub fn restore<'e>(
        &self,
        env: &'e Env,
        steps: f64,
        moments: Vec<Float32Array>,
        carry_lanes: f64,
        carry: &[f32],
    ) -> Promise<'e, NativeDone> {
        let moments: Vec<Vec<f32>> = moments.iter().map(|moment| moment.to_vec()).collect();
        let carry = carry.to_vec();
        self.post(env, None, move |worker, _| {
            let carry = if carry_lanes == 0.0 { None } else { Some((requests::count("carryLanes", carry_lanes)?, carry)) };
            worker.restore(whole("steps", steps)?, &moments, carry)
        })
    }

    /// Trains on K windows.
    #[napi(catch_unwind)]
    pub fn train<'e>(&self, env: &'e Env, request: NativeTrainingRequest, token: f64) -> Promise<'e, NativeTrained> {
        let request = request.checked();
        self.post(env, Some(token), move |worker, call| worker.train(&request?, call))
    }

    /// Begins an evaluation at zero carry.
    #[napi(catch_unwind)]
    pub fn begin_evaluation<'e>(&self, env: &'e Env, lanes: f64) -> Promise<'e, NativeId> {
        self.post(env, None, move |worker, _| worker.begin_evaluation(requests::count("lanes", lanes)?))
    }

    /// Scores K windows; the carry goes on from the evaluation's last call. An abort is `ERR_ABORTED`.
    #[napi(catch_unwind)]
    pub fn evaluate<'e>(
        &self,
        env: &'e Env,
        evaluation: f64,
        request: NativeEvaluationRequest,
        token: f64,
    ) -> Promise<'e, NativeEvaluated> {
        let request = request.checked();
        self.post(env, Some(token), move |worker, call| worker.evaluate(requests::index("evaluation", evaluation)?, &request?, call))
    }

    /// Logits or predictions of K windows; the carry goes on from the evaluation's last call. An abort is `ERR_ABORTED`.
    #[napi(catch_unwind)]
    pub fn predict<'e>(&self, env: &'e Env, evaluation: f64, request: NativeEvaluationRequest, token: f64) -> Promise<'e, NativePredicted> {
        let request = request.checked();
        self.post(env, Some(token), move |worker, call| worker.predict(requests::index("evaluation", evaluation)?, &request?, call))
    }

    /// Forgets an evaluation.
    #[napi(catch_unwind)]
    pub fn end_evaluation<'e>(&self, env: &'e Env, id: f64) -> Promise<'e, NativeDone> {
        self.post(env, None, move |worker, _| worker.end_evaluation(requests::index("id", id)?))
    }

    /// Begins a stream of samples at zero carry. `sampling`: JSON of `{ options, seed, context }`.
    #[napi(catch_unwind)]
    pub fn begin_sampling<'e>(&self, env: &'e Env, sampling: String) -> Promise<'e, NativeId> {
        self.post(env, None, move |worker, _| worker.begin_sampling(&parsed("sampling", &sampling)?))
    }

    /// Feeds symbols to a stream.
    #[napi(catch_unwind)]
    pub fn feed<'e>(&self, env: &'e Env, stream: f64, ids: &[u32], token: f64) -> Promise<'e, NativeDone> {
        let ids = ids.to_vec();
        self.post(env, Some(token), move |worker, call| worker.feed(requests::index("stream", stream)?, &ids, call))
    }

    /// The next symbols of a stream. After `ERR_ABORTED` the stream is of no more use.
    #[napi(catch_unwind)]
    pub fn sample<'e>(&self, env: &'e Env, stream: f64, count: f64, token: f64) -> Promise<'e, NativeSymbols> {
        self.post(env, Some(token), move |worker, call| worker.sample(requests::index("stream", stream)?, requests::symbols(count)?, call))
    }

    /// Forgets a stream.
    #[napi(catch_unwind)]
    pub fn end_sampling<'e>(&self, env: &'e Env, stream: f64) -> Promise<'e, NativeDone> {
        self.post(env, None, move |worker, _| worker.end_sampling(requests::index("stream", stream)?))
    }

    /// Writes a checkpoint durably. `metadata`: JSON object of strings, to which `model` and, with `training`, `training` are added.
    #[napi(catch_unwind)]
    pub fn save<'e>(
        &self,
        env: &'e Env,
        path: String,
        metadata: String,
        extras: Vec<NativeTensor>,
        training: bool,
    ) -> Promise<'e, NativeDone> {
        let extras: Result<Vec<_>, _> = extras.iter().map(checkpoint::Extra::checked).collect();
        self.post(env, None, move |worker, _| worker.save(path.as_ref(), parsed("metadata", &metadata)?, &extras?, training))
    }

    /// Stops the calls made with that token, running or queued.
    #[napi(catch_unwind)]
    pub fn abort(&self, token: f64) {
        self.thread.abort(token.to_bits());
    }

    /// Tells the garbage collector how much memory stands behind this small object, so that it comes in time for models nobody closed.
    #[napi(catch_unwind)]
    pub fn report_memory(&self, env: &Env, bytes: f64) -> napi::Result<()> {
        self.report(env, bytes as i64)
    }

    /// Stops what runs, answers what is queued with `ERR_DISPOSED`, ends the thread. Safe to call twice.
    #[napi(catch_unwind)]
    pub fn close(&self, env: &Env) -> napi::Result<()> {
        self.thread.close();
        self.report(env, 0)
    }

    fn report(&self, env: &Env, bytes: i64) -> napi::Result<()> {
        let before = self.reported.replace(bytes);
        env.adjust_external_memory(bytes - before).map(|_| ())
    }

    /// Queues a command for the model's thread.
    pub(crate) fn post<'e, T: Outcome>(
        &self,
        env: &'e Env,
        token: Option<f64>,
        command: impl FnOnce(&mut Worker, &Call) -> Result<T, Failure> + Send + 'static,
    ) -> Promise<'e, T> {
        let (promise, settle) = promised(env)?;
        self.thread.post(token.map(f64::to_bits), command, settle);
        Ok(promise)
    }
}

impl ObjectFinalize for NativeSession {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.report(&env, 0)
    }
}

/// Settles a promise, on any thread.
type Settle<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

/// A promise, and the function that settles it. An unsettled promise keeps the process alive.
pub fn promised<'e, T: Outcome>(env: &'e Env) -> napi::Result<(PromiseRaw<'e, T>, Settle<T>)> {
    type Resolver<T> = Box<dyn FnOnce(Env) -> napi::Result<T>>;
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    let settle = move |answer: Result<T, Failure>| {
        let outcome = answer.unwrap_or_else(|failure| T::failed(&failure));
        deferred.resolve(Box::new(move |_| Ok(outcome)));
    };
    Ok((PromiseRaw::new(env.raw(), promise.raw()), Box::new(settle)))
}
