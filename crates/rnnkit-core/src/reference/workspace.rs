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
    /// Length of each lane's sequence in the window in work, `[N]`.
    pub lengths: Vec<usize>,
    /// Ids of the window, [T, N]; empty for real input.
    pub ids: Vec<u32>,
    /// Input rows of the window, embedded or real, [T, N, E]; empty for one-hot.
    pub input: Vec<R>,
    /// Gradient of `input`.
    pub d_input: Vec<R>,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace<R>>,
    /// What each layer reads, and last what the head reads.
    sources: Vec<Option<usize>>,
    /// Factors of each site of dropout: 0 or 1/(1 - rate), as [`crate::plan::Site::elements`] counts them.
    pub factors: Vec<Vec<R>>,
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
    /// Recurrent: gradient of h from above and from the time step after, [T, N, H].
    pub d_state: Vec<R>,
    /// Recurrent with dropout of h: what enters the product with `weight_hh`, [T, N, copies, H].
    pub masked: Vec<R>,
    /// Batch normalisation: this window's mean and biased variance, `[size]` each.
    pub statistics: [Vec<R>; 2],
}

impl<R: Scalar> Workspace<R> {
    /// Allocates for the largest window of that shape.
    pub fn new(plan: &Arc<ModelPlan>, shape: Shape) -> Result<Self> {
        let rows = shape.lanes * shape.time;
        let width = plan.input_width();
        let layers = plan.layers.iter().map(|layer| LayerSpace::new(plan, layer, rows, shape.lanes)).collect::<Result<_>>()?;
        let factors = plan.sites.iter().map(|site| zeros(site.elements(shape.lanes, shape.time))).collect::<Result<_>>()?;
        let sources = plan.sources.iter().copied().chain([plan.layers.len().checked_sub(1)]).collect();
        Ok(Self {
            lengths: zeros(shape.lanes)?,
            ids: zeros(if plan.spec.input.vocabulary().is_some() { rows } else { 0 })?,
            input: zeros(rows * width)?,
            d_input: zeros(rows * width)?,
            layers,
            sources,
            factors,
            logits: zeros(rows * plan.head.size)?,
            d_logits: zeros(rows * plan.head.size)?,
            reports: Vec::new(),
            non_finite: false,
        })
    }

    /// The rows [T, N, ·] that a layer reads, or the head, as the number after the last (empty where ids are read).
    pub fn input_of(&self, layer: usize) -> &[R] {
        self.sources[layer].map_or(&self.input, |source| &self.layers[source].output)
    }

    /// Where the gradient of what a layer reads goes.
    pub fn d_input_of(&mut self, layer: usize) -> &mut [R] {
        match self.sources[layer] {
            Some(source) => &mut self.layers[source].d_output,
            None => &mut self.d_input,
        }
    }
}

impl<R: Scalar> LayerSpace<R> {
    fn new(plan: &ModelPlan, layer: &Layer, rows: usize, lanes: usize) -> Result<Self> {
        let size = layer.size();
        let (gates, hidden, pre, masked, norm) = match layer {
            Layer::Recurrent(layer) => {
                let copies = layer.hidden_dropout.map_or(0, |site| plan.sites[site].copies);
                (layer.cell.gates() * size, size, layer.cell.gates() * size, copies * size, 0)
            }
            Layer::Dense(_) => (0, 0, size, 0, 0),
            Layer::BatchNorm(_) => (0, 0, 0, 0, size),
            Layer::Dropout(_) | Layer::Turn(_) | Layer::Join(_) => (0, 0, 0, 0, 0),
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
            d_state: zeros(rows * hidden)?,
            masked: zeros(rows * masked)?,
            statistics: [zeros(norm)?, zeros(norm)?],
        })
    }
}
