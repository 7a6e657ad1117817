//! What promises resolve to: a result, or `error`.

use napi::bindgen_prelude::{Float32Array, Float64Array, ToNapiValue, Uint8Array, Uint32Array};
use napi_derive::napi;
use rnnkit_core::session::Timing;
use rnnkit_core::window::Report;

use crate::array::NativeArray;
use crate::failure::Failure;

/// What a promise of a session resolves to.
pub trait Outcome: ToNapiValue + Send + 'static {
    /// One that holds nothing but the error.
    fn failed(failure: &Failure) -> Self;
}

/// An error as data.
#[napi(object, object_from_js = false)]
pub struct NativeErrorData {
    /// Stable code, `ERR_…`.
    pub code: String,
    /// A sentence or two, naming field, value and remedy.
    pub message: String,
    /// The field at fault, if there is one.
    pub field: Option<String>,
    /// The value at fault, printed, if there is one.
    pub value: Option<String>,
}

impl From<&Failure> for NativeErrorData {
    fn from(failure: &Failure) -> Self {
        let data = failure.data();
        NativeErrorData { code: data.code.to_owned(), message: data.message, field: data.field, value: data.value }
    }
}

/// Outcomes have all their other fields, or `error`.
macro_rules! outcomes {
    ($($name:ident),*) => {$(
        impl Outcome for $name {
            #[allow(clippy::needless_update, reason = "true of those outcomes alone that have no other field, so an expectation would fail on the others")]
            fn failed(failure: &Failure) -> Self {
                Self { error: Some(failure.into()), ..Self::default() }
            }
        }
    )*};
}

outcomes!(
    NativeDone,
    NativeDevices,
    NativeReady,
    NativeParameters,
    NativeId,
    NativeTrainingState,
    NativeTrained,
    NativeEvaluated,
    NativePredicted,
    NativeSymbols,
    NativeOpened,
    NativeRecurrentWeights,
    NativeDenseWeights,
    NativeViewed,
    NativeChecked
);

/// Done, or why not.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeDone {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
}

/// What this machine and this build offer.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeDevices {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// JSON: `{ version, cpu, threads, gpu, adapters }`.
    pub devices: Option<String>,
}

/// What a session is.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeReady {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// Device and kernels in words.
    pub description: Option<String>,
    /// JSON: for each parameter tensor `{ name, shape, offset }`, the offset in elements of the flat buffer.
    pub layout: Option<String>,
    /// Elements of the flat buffer, padding between tensors included.
    pub length: Option<f64>,
}

/// The parameters.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeParameters {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// Flat, laid out as `ready()` says.
    pub values: Option<Float32Array>,
}

/// Something that was begun or handed over.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeId {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// Names it in later calls.
    pub id: Option<u32>,
}

/// Where a training stands.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeTrainingState {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// Optimizer steps done.
    pub steps: Option<f64>,
    /// Flat, each laid out as the parameters, in the optimizer's order.
    pub moments: Option<Vec<Float32Array>>,
    /// PyTorch's names of the moments.
    pub moment_names: Option<Vec<String>>,
    /// Lanes N of the carry; 0 = there is none yet.
    pub carry_lanes: Option<u32>,
    /// For each recurrent layer hidden [N, H], then the cell state [N, H] where the cell has one.
    pub carry: Option<Float32Array>,
}

/// Reports of the windows that ran, [K] each; after a non-finite one nothing changed any more.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeTrained {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// The optimised objective.
    pub losses: Option<Float64Array>,
    /// Sum of -ln p(target) over the predicted positions, in nats; for squared errors the sum of squares.
    pub nats: Option<Float64Array>,
    /// Predicted positions.
    pub counts: Option<Float64Array>,
    /// L2 norm over all gradients together, before clipping.
    pub gradient_norms: Option<Float64Array>,
    /// How long the window took.
    pub milliseconds: Option<Float64Array>,
    /// How the milliseconds were taken: each window by itself, by the device's own clock, or the call as a whole and shared evenly.
    #[napi(ts_type = "'window' | 'timestamps' | 'call'")]
    pub timing: Option<String>,
    /// 1 where clipping changed the gradients.
    pub clipped: Option<Uint8Array>,
    /// 1 from the first loss or gradient on that was not finite.
    pub non_finite: Option<Uint8Array>,
    /// Optimizer steps that were applied.
    pub applied: Option<u32>,
    /// Whether the call was aborted; the window it interrupted left no trace.
    pub aborted: Option<bool>,
}

/// Reports of the windows, [K] each.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeEvaluated {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// The objective.
    pub losses: Option<Float64Array>,
    /// As in NativeTrained.
    pub nats: Option<Float64Array>,
    /// Predicted positions.
    pub counts: Option<Float64Array>,
}

/// What windows predict.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativePredicted {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// Logits or predicted numbers: [K, T, N, outputs] where every time step is predicted, zero past a lane's end, else [K, N, outputs].
    pub values: Option<Float32Array>,
}

/// Symbols that were sampled.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeSymbols {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// In order.
    pub ids: Option<Uint32Array>,
}

/// What goes on inside on one sequence of T positions. One entry for each direction of each recurrent layer, the forward one first; row t is
/// of position t.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeViewed {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// The objective; 0 without gradients.
    pub loss: Option<f64>,
    /// JSON: `[{ layer, reverse, cell, size, gates }]`, the gates by name.
    pub layers: Option<String>,
    /// [T, H] each.
    pub hidden: Option<Vec<Float32Array>>,
    /// [T, G*H] each.
    pub gates: Option<Vec<Float32Array>>,
    /// [T, H] each; empty where the cell has none.
    pub cell_states: Option<Vec<Float32Array>>,
    /// dL/dh, [T, H] each; empty without gradients.
    pub hidden_gradients: Option<Vec<Float32Array>>,
    /// [T, outputs], or [1, outputs] of a head that predicts at the last step.
    pub logits: Option<Float32Array>,
    /// Flat, of the parameters without the statistics; empty without gradients.
    pub gradients: Option<Float32Array>,
}

/// How gradients differ from central differences.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeChecked {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// In the measure of `rnnkit_core::gradient_check::error`.
    pub largest_error: Option<f64>,
    /// Where it is: the tensor's name.
    pub tensor: Option<String>,
    /// Its place in the tensor, row-major.
    pub index: Option<f64>,
    /// The device's gradient.
    pub analytic: Option<f64>,
    /// By central differences.
    pub numeric: Option<f64>,
    /// Parameters that were checked.
    pub checked: Option<f64>,
}

/// The content of a checkpoint, checked.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeOpened {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// JSON object: all strings that the file keeps.
    pub metadata: Option<String>,
    /// JSON of the ModelSpec.
    pub model: Option<String>,
    /// Flat, in the model's layout.
    pub parameters: Option<Float32Array>,
    /// JSON `{ optimizer, clip, seed, steps, lanes }`; there if the file keeps a training, and so are the next three.
    pub training: Option<String>,
    /// Flat, in the optimizer's order.
    pub moments: Option<Vec<Float32Array>>,
    /// Lanes of the carry; 0 = none.
    pub carry_lanes: Option<u32>,
    /// As in NativeTrainingState.
    pub carry: Option<Float32Array>,
    /// The further tensors that were asked for and found.
    pub extras: Option<Vec<NativeTensor>>,
}

/// A recurrent layer's tensors, converted.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeRecurrentWeights {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// [G*H, I].
    pub weight_ih: Option<NativeArray>,
    /// [G*H, H].
    pub weight_hh: Option<NativeArray>,
    /// [G*H].
    pub bias_ih: Option<NativeArray>,
    /// [G*H].
    pub bias_hh: Option<NativeArray>,
}

/// A dense layer's tensors, converted.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct NativeDenseWeights {
    /// Why there is no result; then no other field is there.
    pub error: Option<NativeErrorData>,
    /// [O, I].
    pub weight: Option<NativeArray>,
    /// [O].
    pub bias: Option<NativeArray>,
}

/// A tensor beside the model's own, in a checkpoint.
#[napi(object)]
pub struct NativeTensor {
    /// Its name in the file.
    pub name: String,
    /// 'F32', 'F64', 'I32', 'I64', 'U8', 'U32' or 'U64'.
    pub dtype: String,
    /// Row-major; [] is a scalar.
    pub shape: Vec<u32>,
    /// Its elements, little endian.
    pub data: Uint8Array,
}

/// How milliseconds were taken, as TypeScript names it.
pub fn timing(timing: Timing) -> &'static str {
    match timing {
        Timing::Window => "window",
        Timing::Timestamps => "timestamps",
        Timing::Call => "call",
    }
}

/// One column of the reports.
pub fn column(reports: &[Report], value: impl Fn(&Report) -> f64) -> Option<Float64Array> {
    Some(Float64Array::new(reports.iter().map(value).collect()))
}

/// One column of flags.
pub fn flags(reports: &[Report], value: impl Fn(&Report) -> bool) -> Option<Uint8Array> {
    Some(Uint8Array::new(reports.iter().map(|report| u8::from(value(report))).collect()))
}
