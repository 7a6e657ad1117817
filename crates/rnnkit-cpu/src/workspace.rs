//! What the CPU keeps of a model for one shape of call: packed weights, and for each lane tile what BPTT needs.
//!
//! A *lane tile* is a fixed slice of the lanes, cut by shape alone. One thread takes a tile through the whole unroll without
//! waiting for anybody; its buffers are time-major over its own n lanes, [T, n, ·], so that T·n rows are one matrix.

use std::ops::Range;
use std::sync::Arc;

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::memory::zeros;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::spec::{InputSpec, Predict};
use rnnkit_core::window::Report;
use rnnkit_core::with_cell;

use crate::aligned::Aligned;
use crate::simd::Isa;
use crate::weights::Weights;

/// The fewest lanes of a tile: fewer would read each weight for too little work.
const LEAST_LANES: usize = 8;
/// The most tiles.
const MOST_TILES: usize = 64;

/// Everything a run of one shape needs.
pub struct Workspace {
    /// The shape it was made for.
    pub shape: Shape,
    /// Packed weights.
    pub weights: Weights,
    /// The lane tiles, in order of their lanes.
    pub tiles: Vec<LaneTile>,
    /// Partial sums of the global norm, one for each [`CHUNK`].
    pub partials: Vec<f64>,
    /// Scratch of a one-hot layer's weight gradient, transposed: [V, G*H] in blocks of gate rows.
    pub columns: Aligned,
    /// Reports since `begin`.
    pub reports: Vec<Report>,
    /// The sticky status.
    pub non_finite: bool,
}

/// One tile's part of a window.
pub struct LaneTile {
    /// Its lanes among the window's N.
    pub lanes: Range<usize>,
    /// Ids, [T, n]; empty for real input.
    pub ids: Vec<u32>,
    /// Input rows, embedded or real, [T, n, E]; empty for one-hot.
    pub input: Aligned,
    /// Gradient of `input`; empty where nobody asks for it.
    pub d_input: Aligned,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace>,
    /// Logits of the predicted rows, then their gradients in place.
    pub logits: Aligned,
    /// The logits as they were, for a tap.
    pub kept_logits: Aligned,
    /// Sums over the tile's rows of the objective and of the nats.
    pub sums: [f64; 2],
}

/// What a layer keeps for one tile; buffers it has no use for are empty.
#[derive(Default)]
pub struct LayerSpace {
    /// [T, n, size].
    pub output: Aligned,
    /// Gradient of `output`, [T, n, size].
    pub d_output: Aligned,
    /// Pre-activations, then activated gates, then on the way back the gradient of the input pre-activations: [T, n, G*H].
    pub gates: Aligned,
    /// The gates as they were, for a tap.
    pub kept_gates: Aligned,
    /// The hidden pre-activations of one time step [n, G*H], where a cell wants them apart.
    pub hidden: Aligned,
    /// Gradient of the hidden pre-activations [T, n, G*H], where it differs.
    pub d_hidden: Aligned,
    /// The cell's `kept`, [T, n, H].
    pub kept: Aligned,
    /// c, [T, n, H].
    pub cell_state: Aligned,
    /// States the window starts from: h and c, [n, H].
    pub start: [Aligned; 2],
    /// Gradients of h and c on their way from time step t + 1 to t, [n, H].
    pub d_carry: [Aligned; 2],
    /// Dropout: factor of each element, [T, n, size].
    pub factors: Aligned,
}

/// How the lanes are cut: into a power of two of tiles of nearly equal size, none under [`LEAST_LANES`].
fn tiles_for(lanes: usize) -> usize {
    let most = (lanes / LEAST_LANES).clamp(1, MOST_TILES);
    1 << most.ilog2()
}

impl Workspace {
    /// Allocates everything for that shape.
    pub fn new(isa: Isa, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Self> {
        let count = tiles_for(shape.lanes);
        let lanes = |tile: usize| tile * shape.lanes / count..(tile + 1) * shape.lanes / count;
        let tiles = (0..count).map(|tile| LaneTile::new(plan, shape, lanes(tile))).collect::<Result<_>>()?;
        Ok(Self {
            shape,
            weights: Weights::new(isa, plan, shape.training)?,
            tiles,
            partials: zeros(if shape.training { plan.params.len().div_ceil(CHUNK) } else { 0 })?,
            columns: Aligned::zeros(if shape.training { one_hot_weights(plan) } else { 0 })?,
            reports: Vec::new(),
            non_finite: false,
        })
    }

    /// Bytes that [`Workspace::new`] takes, about.
    pub fn bytes(plan: &ModelPlan, shape: Shape) -> u64 {
        let rows = (shape.lanes as u64).saturating_mul(shape.time as u64);
        let layer = |layer: &Layer| match layer {
            Layer::Recurrent(layer) => (2 * layer.cell.gates() + 4) as u64 * layer.size as u64,
            layer => 3 * layer.size() as u64,
        };
        let width = if matches!(plan.spec.input, InputSpec::OneHot { .. }) { 0 } else { plan.spec.input.width() };
        let row = plan.layers.iter().map(layer).sum::<u64>() + plan.head.size as u64 + 2 * width as u64;
        let weights = 3 * plan.params.len() as u64;
        rows.saturating_mul(row).saturating_add(weights).saturating_mul(size_of::<f32>() as u64)
    }
}

/// Weights of layers that read one-hot ids.
fn one_hot_weights(plan: &ModelPlan) -> usize {
    match plan.layers.first() {
        Some(Layer::Recurrent(layer)) if layer.one_hot => layer.weight_ih.len(),
        Some(Layer::Dense(layer)) if layer.one_hot => layer.weight.len(),
        _ => 0,
    }
}

impl LaneTile {
    fn new(plan: &ModelPlan, shape: Shape, lanes: Range<usize>) -> Result<Self> {
        let n = lanes.len();
        let rows = n * shape.time;
        let has_ids = plan.spec.input.vocabulary().is_some();
        let width = if matches!(plan.spec.input, InputSpec::OneHot { .. }) { 0 } else { plan.spec.input.width() };
        let wants_gradient = shape.training && (plan.embedding.is_some() || shape.taps);
        let predicted = match plan.head.predict {
            Predict::EveryStep => rows,
            Predict::LastStep => n,
        };
        let layers = plan.layers.iter().map(|layer| LayerSpace::new(layer, shape, n)).collect::<Result<_>>()?;
        Ok(Self {
            lanes,
            ids: zeros(if has_ids { rows } else { 0 })?,
            input: Aligned::zeros(rows * width)?,
            d_input: Aligned::zeros(if wants_gradient { rows * width } else { 0 })?,
            layers,
            logits: Aligned::zeros(predicted * plan.head.size)?,
            kept_logits: Aligned::zeros(if shape.taps { predicted * plan.head.size } else { 0 })?,
            sums: [0.0; 2],
        })
    }

    /// Its number of lanes n.
    pub fn n(&self) -> usize {
        self.lanes.len()
    }

    /// Layer `index` with the input rows it reads, and where the gradient of those goes (empty if nobody wants it).
    pub fn layer(&mut self, index: usize) -> (&mut LayerSpace, &[f32], &mut [f32], &[u32]) {
        let (below, here) = self.layers.split_at_mut(index);
        match below.last_mut() {
            Some(below) => (&mut here[0], &below.output, &mut below.d_output, &self.ids),
            None => (&mut here[0], &self.input, &mut self.d_input, &self.ids),
        }
    }

    /// The rows that layer `index` reads, [T, n, ·].
    pub fn input_of(&self, index: usize) -> &[f32] {
        index.checked_sub(1).map_or(&*self.input, |below| &*self.layers[below].output)
    }
}

impl LayerSpace {
    fn new(layer: &Layer, shape: Shape, n: usize) -> Result<Self> {
        let rows = n * shape.time;
        let when = |wanted: bool, len: usize| Aligned::zeros(if wanted { len } else { 0 });
        let size = layer.size();
        let outputs = Self { output: when(true, rows * size)?, d_output: when(shape.training, rows * size)?, ..Self::default() };
        match layer {
            Layer::Recurrent(layer) => {
                let (gates, keeps, split) = with_cell!(layer.cell, cell => traits_of(cell));
                let gates = gates * size;
                let state = || when(true, n * size);
                let carried = || when(shape.training, n * size);
                let has_cell_state = layer.cell.has_cell_state();
                Ok(Self {
                    gates: when(true, rows * gates)?,
                    kept_gates: when(shape.taps, rows * gates)?,
                    hidden: when(split, n * gates)?,
                    d_hidden: when(split && shape.training, rows * gates)?,
                    kept: when(keeps, rows * size)?,
                    cell_state: when(has_cell_state, rows * size)?,
                    start: [state()?, when(has_cell_state, n * size)?],
                    d_carry: [carried()?, carried()?],
                    ..outputs
                })
            }
            Layer::Dense(_) => Ok(outputs),
            Layer::Dropout(_) => Ok(Self { factors: when(true, rows * size)?, ..outputs }),
        }
    }
}

fn traits_of<C: rnnkit_core::cell::Cell>(_: C) -> (usize, bool, bool) {
    (C::GATES, C::KEEPS, C::SPLIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_a_power_of_two_and_never_thin() {
        for (lanes, tiles) in [(1, 1), (7, 1), (15, 1), (16, 2), (32, 4), (50, 4), (64, 8), (512, 64), (5000, 64)] {
            assert_eq!(tiles_for(lanes), tiles, "{lanes} lanes");
        }
    }
}
