//! Other libraries' weights, converted by the core; at once, since it only moves numbers.

use napi_derive::napi;
use rnnkit_core::cell::CellKind;
use rnnkit_core::convert::{self, CellTensors, DenseTensors, KerasCell};
use rnnkit_core::error::Result;

use crate::array::NativeArray;
use crate::failure::Failure;
use crate::outcomes::{NativeDenseWeights, NativeRecurrentWeights, Outcome};
use crate::requests::parsed;

/// A recurrent layer's arrays, by Keras's names.
#[napi(object, object_to_js = false)]
pub struct NativeKerasCell {
    /// [I, G*H].
    pub kernel: NativeArray,
    /// [H, G*H].
    pub recurrent_kernel: NativeArray,
    /// [G*H], of a GRU [2, G*H].
    pub bias: Option<NativeArray>,
    /// Of a GRU.
    pub reset_after: bool,
}

/// A layer of Keras. `cell`: JSON of its kind.
#[napi(catch_unwind)]
pub fn convert_keras(cell: String, stored: NativeKerasCell) -> NativeRecurrentWeights {
    recurrent(&cell, |cell| {
        let NativeKerasCell { kernel, recurrent_kernel, bias, reset_after } = &stored;
        let bias = bias.as_ref().map(NativeArray::array);
        let (kernel, recurrent_kernel) = (kernel.array(), recurrent_kernel.array());
        convert::from_keras(cell, &KerasCell { kernel, recurrent_kernel, bias, reset_after: *reset_after })
    })
}

/// A layer of TensorFlow 1. `cell`: JSON of its kind.
#[napi(catch_unwind)]
pub fn convert_tf1(cell: String, kernel: NativeArray, bias: NativeArray, forget_bias: f64) -> NativeRecurrentWeights {
    recurrent(&cell, |cell| convert::from_tf1(cell, &kernel.array(), &bias.array(), forget_bias))
}

/// A dense layer of either.
#[napi(catch_unwind)]
pub fn convert_dense(kernel: NativeArray, bias: Option<NativeArray>) -> NativeDenseWeights {
    match convert::from_dense(&kernel.array(), bias.as_ref().map(NativeArray::array).as_ref()) {
        Ok(DenseTensors { weight, bias }) => NativeDenseWeights { error: None, weight: Some(weight.into()), bias: Some(bias.into()) },
        Err(error) => NativeDenseWeights::failed(&Failure::from(error)),
    }
}

fn recurrent(cell: &str, converted: impl FnOnce(CellKind) -> Result<CellTensors>) -> NativeRecurrentWeights {
    match parsed("cell", cell).and_then(converted) {
        Ok(CellTensors { weight_ih, weight_hh, bias_ih, bias_hh }) => NativeRecurrentWeights {
            error: None,
            weight_ih: Some(weight_ih.into()),
            weight_hh: Some(weight_hh.into()),
            bias_ih: Some(bias_ih.into()),
            bias_hh: Some(bias_hh.into()),
        },
        Err(error) => NativeRecurrentWeights::failed(&Failure::from(error)),
    }
}
