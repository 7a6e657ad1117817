//! Looking inside a model: states, gates and gradients of one sequence, and the check of the gradients.

use napi::Env;
use napi::bindgen_prelude::{Float32Array, PromiseRaw};
use napi_derive::napi;
use rnnkit_core::error::Result;
use rnnkit_core::gradient_check::{self, CheckRequest, GradientCheck};
use rnnkit_core::session::OwnWindow;
use rnnkit_core::views::{self, RecurrentView, View};
use serde_json::json;

use crate::engine::on_session;
use crate::failure::Failure;
use crate::native_session::NativeSession;
use crate::outcomes::{NativeChecked, NativeViewed};
use crate::requests::{count, whole};
use crate::sequences::NativeSequence;
use crate::session_thread::Call;
use crate::worker::Worker;

/// Whose gradients are checked, and how many.
#[napi(object, object_to_js = false)]
pub struct NativeCheckRequest {
    /// The data, with targets.
    pub sequence: NativeSequence,
    /// Parameters drawn of each tensor, at least 1; all of a smaller one.
    pub draws: f64,
    /// Of the draws.
    pub seed: f64,
}

#[napi]
impl NativeSession {
    /// What goes on inside on a sequence, from its beginning to its end. Gradients are those of its targets. An abort is `ERR_ABORTED`.
    #[napi(catch_unwind)]
    pub fn view<'e>(
        &self,
        env: &'e Env,
        sequence: NativeSequence,
        gradients: bool,
        token: f64,
    ) -> napi::Result<PromiseRaw<'e, NativeViewed>> {
        let window = sequence.checked().map(OwnWindow::whole);
        self.post(env, Some(token), move |worker, call| worker.view(&window?, gradients, call))
    }

    /// Compares gradients with central differences in f64 on the oracle. An abort is `ERR_ABORTED`.
    #[napi(catch_unwind)]
    pub fn check_gradients<'e>(
        &self,
        env: &'e Env,
        request: NativeCheckRequest,
        token: f64,
    ) -> napi::Result<PromiseRaw<'e, NativeChecked>> {
        let request = request.checked();
        self.post(env, Some(token), move |worker, call| worker.check_gradients(request?, call))
    }
}

impl NativeCheckRequest {
    /// As the core wants it, but for the memory limit.
    fn checked(&self) -> Result<CheckRequest> {
        Ok(CheckRequest {
            window: OwnWindow::whole(self.sequence.checked()?),
            draws: count("draws", self.draws)?,
            seed: whole("seed", self.seed)?,
            memory_limit: u64::MAX,
        })
    }
}

impl Worker {
    fn view(&mut self, window: &OwnWindow, gradients: bool, call: &Call) -> Result<NativeViewed, Failure> {
        let View { loss, logits, gradients, layers } =
            on_session!(&mut self.engine, session => views::view(session, window, gradients, call.abort()))?;
        let mut viewed = NativeViewed {
            loss: Some(loss.unwrap_or(0.0)),
            layers: Some(serde_json::Value::from(layers.iter().map(described).collect::<Vec<_>>()).to_string()),
            logits: Some(Float32Array::new(logits)),
            gradients: Some(Float32Array::new(gradients)),
            ..NativeViewed::default()
        };
        for layer in layers {
            put(&mut viewed.hidden, layer.hidden);
            put(&mut viewed.gates, layer.gates);
            put(&mut viewed.cell_states, layer.cell_state.unwrap_or_default());
            put(&mut viewed.hidden_gradients, layer.hidden_gradient.unwrap_or_default());
        }
        Ok(viewed)
    }

    fn check_gradients(&mut self, request: CheckRequest, call: &Call) -> Result<NativeChecked, Failure> {
        let request = CheckRequest { memory_limit: self.memory_limit, ..request };
        let GradientCheck { largest_error, worst, checked } =
            on_session!(&mut self.engine, session => gradient_check::check(session, &request, call.abort()))?;
        Ok(NativeChecked {
            error: None,
            largest_error: Some(largest_error),
            tensor: Some(worst.tensor),
            index: Some(worst.index as f64),
            analytic: Some(worst.analytic),
            numeric: Some(worst.numeric),
            checked: Some(checked as f64),
        })
    }
}

fn described(layer: &RecurrentView<f32>) -> serde_json::Value {
    json!({ "layer": layer.number, "reverse": layer.reverse, "cell": layer.cell, "size": layer.size, "gates": layer.cell.gate_names() })
}

fn put(list: &mut Option<Vec<Float32Array>>, values: Vec<f32>) {
    list.get_or_insert_default().push(Float32Array::new(values));
}
