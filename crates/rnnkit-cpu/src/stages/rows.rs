//! What has no memory in time, on one lane tile: linear maps, dense layers; dropout and turning have files of their own.

use std::ops::Range;

use rnnkit_core::math::Real;
use rnnkit_core::plan::{Layer, ModelPlan};
use rnnkit_core::spec::Activation;

use super::{dropout, turn};
use crate::product::Start;
use crate::simd::{Isa, Kernel, LANES, Simd, Vector};
use crate::weights::{InputMap, LayerWeights};
use crate::workspace::LaneTile;

/// A layer's input map on `rows` of its tile: `out` [rows, P].
pub fn apply(map: &InputMap, input: &[f32], ids: &[u32], rows: Range<usize>, out: &mut [f32]) {
    match map {
        InputMap::Product(maps) => {
            let width = maps.width();
            maps.forward(&input[rows.start * width..rows.end * width], rows.len(), out, true);
        }
        InputMap::Table(table) => {
            for (out, &id) in out.chunks_exact_mut(table.width).zip(&ids[rows]) {
                out.copy_from_slice(table.row(id));
            }
        }
    }
}

/// From the gradients of what [`apply`] gave on `rows` to those of the layer's input, if somebody wants them.
pub fn apply_back(map: &InputMap, d: &[f32], d_input: &mut [f32], rows: Range<usize>) {
    let InputMap::Product(maps) = map else { return };
    if !d_input.is_empty() {
        let width = maps.width();
        maps.back(d, rows.len(), &mut d_input[rows.start * width..rows.end * width], Start::Zero);
    }
}

/// A layer that is not recurrent, and looks at its own lanes only, forward over `time` steps.
pub fn forward(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, index: usize, weights: Option<&LayerWeights>, time: usize) {
    let rows = 0..time * tile.n();
    match (&plan.layers[index], weights) {
        (Layer::Dense(dense), Some(weights)) => {
            let (space, input, _, ids) = tile.layer(index);
            let output = &mut space.output[..rows.end * dense.size];
            apply(&weights.input, input, ids, rows, output);
            isa.dispatch(Activate { activation: dense.activation, values: output });
        }
        (Layer::Dropout(layer), _) => dropout::forward(isa, tile, plan, index, layer, time),
        (Layer::Turn(layer), _) => turn::forward(tile, index, layer, time),
        (Layer::Join(layer), _) => turn::join(tile, index, layer, time),
        _ => {}
    }
}

/// The same back.
pub fn backward(isa: Isa, tile: &mut LaneTile, plan: &ModelPlan, index: usize, weights: Option<&LayerWeights>, time: usize) {
    let rows = 0..time * tile.n();
    match (&plan.layers[index], weights) {
        (Layer::Dense(dense), Some(weights)) => {
            let (space, _, d_input, _) = tile.layer(index);
            let here = ..rows.end * dense.size;
            let d = &mut space.d_output[here];
            isa.dispatch(ActivateBack { activation: dense.activation, output: &space.output[here], d });
            apply_back(&weights.input, d, d_input, rows);
        }
        (Layer::Dropout(layer), _) => dropout::backward(isa, tile, plan, index, layer, time),
        (Layer::Turn(layer), _) => turn::backward(tile, index, layer),
        (Layer::Join(layer), _) => turn::join_back(tile, index, layer),
        _ => {}
    }
}

/// y = act(s), in place.
struct Activate<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let mut at = 0;
        while at < self.values.len() {
            let s = Vector::<S>::load(&self.values[at..]);
            let y = match self.activation {
                Activation::Linear => s,
                Activation::Tanh => s.tanh(),
                Activation::Relu => s.relu(),
                Activation::Sigmoid => s.sigmoid(),
            };
            y.store(&mut self.values[at..]);
            at += LANES;
        }
    }
}

/// From the gradient of y to that of s, in place.
struct ActivateBack<'a> {
    activation: Activation,
    output: &'a [f32],
    d: &'a mut [f32],
}

impl Kernel for ActivateBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let one = Vector::<S>::splat(1.0);
        let mut at = 0;
        while at < self.d.len() {
            let (y, d) = (Vector::<S>::load(&self.output[at..]), Vector::load(&self.d[at..]));
            let d = match self.activation {
                Activation::Linear => d,
                Activation::Tanh => d * (one - y * y),
                Activation::Relu => y.where_positive(d),
                Activation::Sigmoid => d * y * (one - y),
            };
            d.store(&mut self.d[at..]);
            at += LANES;
        }
    }
}
