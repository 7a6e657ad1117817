//! Initial values of a whole model: each tensor of the layout by its role.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::init::{self, Draw, InitSpec, TensorRole, TensorShape};
use crate::layout::Tensor;
use crate::memory::zeros;
use crate::plan::{Layer, ModelPlan};
use crate::rng::{Key, Stream};

/// Draws the values of a new model, tensor by tensor, and hands each with its offset to `put`; tensor i draws from stream `Init`,
/// instance i.
///
/// `forget_biases`: for each recurrent layer of the spec, the value that the forget gate starts from in all its directions, if it is to be
/// set: it goes to `bias_ih`, and that block of `bias_hh` becomes zero, so that their sum is the value.
pub fn draw(
    plan: &ModelPlan,
    spec: &InitSpec,
    seed: u64,
    forget_biases: &[Option<f64>],
    abort: &AtomicBool,
    mut put: impl FnMut(usize, &[f64]) -> Result<()>,
) -> Result<()> {
    let elman = |layer: &Layer| !matches!(layer, Layer::Recurrent(layer) if layer.cell.gates() > 1);
    spec.validate(plan.layers.iter().all(elman))?;
    for (index, tensor) in plan.params.tensors().iter().enumerate() {
        let shape = shape_of(plan, tensor);
        let key = Key::stream(seed, Stream::Init, index as u32);
        let mut values = zeros(tensor.len())?;
        init::fill(spec, &shape, Draw { key, stop: &|| abort.load(Ordering::Relaxed) }, &mut values);
        if abort.load(Ordering::Relaxed) {
            return Err(Error::Aborted);
        }
        let forget_bias = layer_of(tensor).and_then(|layer| forget_biases.get(layer).copied().flatten());
        if let Some(value) = forget_bias {
            set_forget_bias(&shape, value, &mut values)?;
        }
        put(tensor.offset, &values)?;
    }
    Ok(())
}

fn set_forget_bias(tensor: &TensorShape<'_>, value: f64, values: &mut [f64]) -> Result<()> {
    if !value.is_finite() {
        return Err(Error::invalid("forgetBias", value, "a finite number"));
    }
    match tensor.role {
        TensorRole::BiasIh => init::fill_forget_gate(tensor, value, values),
        TensorRole::BiasHh => init::fill_forget_gate(tensor, 0.0, values),
        _ => {}
    }
    Ok(())
}

/// The recurrent layer's number at the end of its tensors' names, behind which the direction may stand.
fn layer_of(tensor: &Tensor) -> Option<usize> {
    tensor.cell?;
    tensor.name.trim_end_matches("_reverse").rsplit_once("_l")?.1.parse().ok()
}

fn shape_of<'a>(plan: &ModelPlan, tensor: &'a Tensor) -> TensorShape<'a> {
    let gates = tensor.cell.map_or(1, |cell| cell.gates());
    // A bias has the inputs of its weight, which stands before it.
    let weight = match tensor.role {
        TensorRole::DenseBias | TensorRole::HeadBias => plan.params.tensors().iter().rev().find(|other| other.offset < tensor.offset),
        _ => Some(tensor),
    };
    TensorShape {
        role: tensor.role,
        shape: &tensor.shape,
        hidden: tensor.shape[0] / gates,
        fan_in: weight.and_then(|weight| weight.shape.last().copied()).unwrap_or(1),
        forget_gate: tensor.cell.and_then(|cell| cell.forget_gate()),
    }
}
