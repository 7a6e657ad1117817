//! A session in a file and out of it: which tensors and metadata make a model, and a training.

mod open;
mod save;

use napi::bindgen_prelude::Uint8Array;
use rnnkit_core::checkpoint::DType;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::grad_clip::ClipSpec;
use rnnkit_core::optim::{Moment, OptimizerSpec};
use rnnkit_core::plan::ModelPlan;
use serde::{Deserialize, Serialize};

use crate::outcomes::NativeTensor;

/// Metadata key of the model's spec, in JSON.
const MODEL: &str = "model";
/// Metadata key of a [`TrainingRecord`], in JSON.
const TRAINING: &str = "training";

/// What a file says of a training beside its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TrainingRecord {
    optimizer: OptimizerSpec,
    clip: ClipSpec,
    /// Of the dropout masks.
    seed: u64,
    /// Optimizer steps done.
    steps: u64,
    /// Lanes of the carry; 0 = the file keeps none.
    lanes: usize,
}

/// A tensor beside the model's own, on its way to a file.
pub struct Extra {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl Extra {
    /// Copies it from JavaScript.
    pub fn checked(tensor: &NativeTensor) -> Result<Self> {
        let dtype = dtype(&tensor.dtype)?;
        let shape: Vec<usize> = tensor.shape.iter().map(|&size| size as usize).collect();
        let bytes = shape.iter().try_fold(dtype.size(), |bytes, &size| bytes.checked_mul(size));
        if bytes != Some(tensor.data.len()) {
            let expected = format!("as many as {dtype} of shape {shape:?} takes");
            return Err(Error::invalid(format!("extras.{}", tensor.name), format!("{} bytes", tensor.data.len()), expected));
        }
        Ok(Extra { name: tensor.name.clone(), dtype, shape, data: tensor.data.to_vec() })
    }
}

fn dtype(name: &str) -> Result<DType> {
    DType::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
        Error::invalid("dtype", name, format!("one of {}", names.join(", ")))
    })
}

/// Name of a parameter's moment in a file.
fn moment_name(moment: &Moment, parameter: &str) -> String {
    format!("optimizer.{}.{parameter}", moment.name)
}

/// A piece of the carry in a file.
struct CarryTensor {
    name: String,
    /// [N, H].
    shape: [usize; 2],
    /// Where it lies in the flat carry.
    range: std::ops::Range<usize>,
}

/// The carry's tensors for that many lanes; none for 0.
fn carry_tensors(plan: &ModelPlan, lanes: usize) -> Vec<CarryTensor> {
    let slots = if lanes == 0 { 0 } else { plan.carry.slots() };
    let of_slot = |slot: usize| {
        let shape = [lanes, plan.carry.size(slot)];
        let hidden = CarryTensor { name: format!("carry.{slot}.hidden"), shape, range: plan.carry.hidden(slot, lanes) };
        let cell = plan.carry.cell_state(slot, lanes);
        let cell = cell.map(|range| CarryTensor { name: format!("carry.{slot}.cell"), shape, range });
        [Some(hidden), cell]
    };
    (0..slots).flat_map(of_slot).flatten().collect()
}

fn native_tensor(tensor: &rnnkit_core::checkpoint::Tensor<'_>) -> NativeTensor {
    NativeTensor {
        name: tensor.name.to_owned(),
        dtype: tensor.dtype.name().to_owned(),
        shape: tensor.shape.iter().map(|&size| size as u32).collect(),
        data: Uint8Array::new(tensor.bytes.to_vec()),
    }
}
