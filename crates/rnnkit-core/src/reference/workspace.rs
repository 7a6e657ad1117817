//! What the oracle keeps of a window: everything, time-major.

use std::sync::Arc;

use crate::backend::Shape;
use crate::error::Result;
use crate::math::Scalar;
use crate::memory::zeros;
use crate::plan::{Layer, ModelPlan};
use crate::window::Report;

/// Buffers of one model for one shape of call.
pub struct Workspace<R> {
    /// Ids of the window, [T, N]; empty for real input.
    pub ids: Vec<u32>,
    /// Input rows of the window, embedded or real, [T, N, E]; empty for one-hot.
    pub input: Vec<R>,
    /// Gradient of `input`.
    pub d_input: Vec<R>,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace<R>>,
    /// Logits or predictions, [T, N, size] or [N, size].
    pub logits: Vec<R>,
    /// Gradient of `logits`.
    pub d_logits: Vec<R>,
    /// Reports since `begin`.
    pub reports: Vec<Report>,
    /// The sticky status.
    pub non_finite: bool,
}

/// What one layer keeps.
pub struct LayerSpace<R> {
    /// [T, N, size].
    pub output: Vec<R>,
    /// Gradient of `output` from above, [T, N, size].
    pub d_output: Vec<R>,
    /// Recurrent: activated gates [T, N, G*H].
    pub gates: Vec<R>,
    /// Recurrent: the cell's `kept`, [T, N, H].
    pub kept: Vec<R>,
    /// Recurrent with a cell state: c, [T, N, H].
    pub cell_state: Vec<R>,
    /// Gradient of the input pre-activations, [T, N, G*H]; of the pre-activations [T, N, size] for a dense layer.
    pub d_pre_input: Vec<R>,
    /// Recurrent: gradient of the hidden pre-activations, [T, N, G*H].
    pub d_pre_hidden: Vec<R>,
    /// Recurrent: the states the window starts from, [N, H] each.
    pub start: [Vec<R>; 2],
    /// Recurrent: gradients of h and c that flow from time step t + 1 to t, [N, H] each.
    pub d_carry: [Vec<R>; 2],
    /// Dropout: factor of each element, 0 or 1/(1 - rate), [T, N, size].
    pub factors: Vec<R>,
}

impl<R: Scalar> Workspace<R> {
    /// Allocates for the largest window of that shape.
    pub fn new(plan: &Arc<ModelPlan>, shape: Shape) -> Result<Self> {
        let rows = shape.lanes * shape.time;
        let one_hot = plan.spec.input.vocabulary().is_some() && plan.embedding.is_none();
        let width = if one_hot { 0 } else { plan.spec.input.width() };
        let layers = plan.layers.iter().map(|layer| LayerSpace::new(layer, rows, shape.lanes)).collect::<Result<_>>()?;
        Ok(Self {
            ids: zeros(if plan.spec.input.vocabulary().is_some() { rows } else { 0 })?,
            input: zeros(rows * width)?,
            d_input: zeros(rows * width)?,
            layers,
            logits: zeros(rows * plan.head.size)?,
            d_logits: zeros(rows * plan.head.size)?,
            reports: Vec::new(),
            non_finite: false,
        })
    }

    /// Input rows [T, N, ·] of a layer (empty for a one-hot first layer).
    pub fn input_of(&self, layer: usize) -> &[R] {
        if layer == 0 { &self.input } else { &self.layers[layer - 1].output }
    }

    /// Where a layer's gradient with respect to its input goes.
    pub fn d_input_of(&mut self, layer: usize) -> &mut [R] {
        if layer == 0 { &mut self.d_input } else { &mut self.layers[layer - 1].d_output }
    }
}

impl<R: Scalar> LayerSpace<R> {
    fn new(layer: &Layer, rows: usize, lanes: usize) -> Result<Self> {
        let size = layer.size();
        let (gates, hidden, pre, factors) = match layer {
            Layer::Recurrent(layer) => (layer.cell.gates() * size, size, layer.cell.gates() * size, 0),
            Layer::Dense(_) => (0, 0, size, 0),
            Layer::Dropout(_) => (0, 0, 0, size),
        };
        Ok(Self {
            output: zeros(rows * size)?,
            d_output: zeros(rows * size)?,
            gates: zeros(rows * gates)?,
            kept: zeros(rows * hidden)?,
            cell_state: zeros(rows * hidden)?,
            d_pre_input: zeros(rows * pre)?,
            d_pre_hidden: zeros(rows * gates)?,
            start: [zeros(lanes * hidden)?, zeros(lanes * hidden)?],
            d_carry: [zeros(lanes * hidden)?, zeros(lanes * hidden)?],
            factors: zeros(rows * factors)?,
        })
    }
}
