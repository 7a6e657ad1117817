//! What the CPU keeps of a model for one shape of call: packed weights, and for each lane tile what BPTT needs.

mod layer;
mod tile;

use std::sync::Arc;

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::memory::zeros;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::window::Report;

use crate::aligned::Aligned;
use crate::product::{Packing, Precision};
use crate::weights::{SharedSizes, Weights};

pub use layer::LayerSpace;
pub use tile::LaneTile;

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
    /// Batch normalisation: statistics of each layer of the plan that is one.
    pub norms: Vec<Option<NormSpace>>,
    /// Reports since `begin`.
    pub reports: Vec<Report>,
    /// The sticky status.
    pub non_finite: bool,
}

/// What batch normalisation keeps of a window beside the tiles' rows, `[size]` each.
#[derive(Default)]
pub struct NormSpace {
    /// The mean by which it normalises.
    pub mean: Vec<f64>,
    /// The variance by which it normalises, biased.
    pub variance: Vec<f64>,
    /// 1 / sqrt(variance + epsilon).
    pub inverse: Vec<f64>,
    /// Gradient of beta: sum of dy.
    pub d_beta: Vec<f64>,
    /// Gradient of gamma: sum of dy x̂.
    pub d_gamma: Vec<f64>,
    /// Positions they were taken over.
    pub count: usize,
}

/// How the lanes are cut: into a power of two of tiles of nearly equal size, none under [`LEAST_LANES`].
fn tiles_for(lanes: usize) -> usize {
    let most = (lanes / LEAST_LANES).clamp(1, MOST_TILES);
    1 << most.ilog2()
}

impl Workspace {
    /// Allocates everything for that shape.
    pub fn new(packing: Packing, shared: SharedSizes, plan: &Arc<ModelPlan>, shape: Shape) -> Result<Self> {
        let count = tiles_for(shape.lanes);
        let lanes = |tile: usize| tile * shape.lanes / count..(tile + 1) * shape.lanes / count;
        let (symbols, rows) = one_hot(plan);
        let tiles = (0..count).map(|tile| LaneTile::new(plan, shape, lanes(tile))).collect::<Result<_>>()?;
        Ok(Self {
            shape,
            weights: Weights::new(packing, shared.least(count), plan, shape.training)?,
            tiles,
            partials: zeros(if shape.training { plan.params.trainable().div_ceil(CHUNK) } else { 0 })?,
            columns: Aligned::zeros(if shape.training { symbols + rows } else { 0 })?,
            norms: plan.layers.iter().map(NormSpace::of).collect::<Result<_>>()?,
            reports: Vec::new(),
            non_finite: false,
        })
    }

    /// Bytes that [`Workspace::new`] takes, about.
    pub fn bytes(plan: &ModelPlan, shape: Shape, precision: Precision) -> u64 {
        let lanes = shape.lanes as u64;
        let mut per_row = (plan.head.size * if shape.taps { 2 } else { 1 } + 2 * plan.input_width()) as u64;
        let mut per_lane = plan.head.input as u64;
        for layer in &plan.layers {
            let [row, lane] = LayerSpace::numbers(plan, layer, shape);
            (per_row, per_lane) = (per_row + row, per_lane + lane);
        }
        let rows = lanes.saturating_mul(shape.time as u64);
        let masks = plan.sites.iter().map(|site| site.elements(shape.lanes, shape.time) as u64).sum();
        // Packed in panels with padding, and both ways if there is a way back; tables are f32 in any case.
        let (tables, copies) = (one_hot(plan).0 as u64, if shape.training { 3 } else { 2 });
        let packed = copies * (plan.params.len() as u64 - tables);
        let weights = copies * tables + if precision == Precision::Bf16 { packed / 2 } else { packed };
        let numbers = rows.saturating_mul(per_row).saturating_add(lanes.saturating_mul(per_lane));
        numbers.saturating_add(masks).saturating_add(weights).saturating_mul(size_of::<f32>() as u64)
    }
}

/// Weights of the layer that reads one-hot ids, if there is one, and how many rows they have.
fn one_hot(plan: &ModelPlan) -> (usize, usize) {
    match plan.layers.first() {
        Some(Layer::Recurrent(layer)) if layer.one_hot => (layer.weight_ih.len(), layer.bias_ih.len()),
        Some(Layer::Dense(layer)) if layer.one_hot => (layer.weight.len(), layer.bias.len()),
        _ => (0, 0),
    }
}

impl NormSpace {
    fn of(layer: &Layer) -> Result<Option<Self>> {
        let Layer::BatchNorm(layer) = layer else { return Ok(None) };
        let each = || zeros(layer.size);
        Ok(Some(Self { mean: each()?, variance: each()?, inverse: each()?, d_beta: each()?, d_gamma: each()?, count: 0 }))
    }
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
