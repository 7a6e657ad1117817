//! What has no memory in time, on one lane tile: linear maps, dense layers, dropout's product.

use std::ops::Range;

use rnnkit_core::math::Real;
use rnnkit_core::plan::{Dense, Layer};
use rnnkit_core::spec::Activation;

use crate::product::{Matrix, MatrixMut, Start, multiply};
use crate::simd::{Isa, Kernel, LANES, Simd, Vector};
use crate::weights::{InputMap, LayerWeights};
use crate::workspace::LaneTile;

/// A layer's input map on `rows` of its tile: `out` [rows, P].
pub fn apply(map: &InputMap, input: &[f32], ids: &[u32], rows: Range<usize>, out: &mut [f32]) {
    match map {
        InputMap::Product(affine) => {
            let shape = affine.forward.shape();
            let x = Matrix::new(&input[rows.start * shape.k()..rows.end * shape.k()], rows.len(), shape.k());
            multiply(x, &affine.forward, MatrixMut::new(out, rows.len(), shape.n()), Start::Row(&affine.bias));
        }
        InputMap::Table(table) => {
            for (out, &id) in out.chunks_exact_mut(table.width).zip(&ids[rows]) {
                out.copy_from_slice(table.row(id));
            }
        }
    }
}

/// A dense or dropout layer forward on some time steps.
pub fn forward(isa: Isa, tile: &mut LaneTile, index: usize, layer: &Layer, weights: Option<&LayerWeights>, steps: Range<usize>) {
    let rows = steps.start * tile.n()..steps.end * tile.n();
    let here = rows.start * layer.size()..rows.end * layer.size();
    let (space, input, _, ids) = tile.layer(index);
    match (layer, weights) {
        (Layer::Dense(dense), Some(weights)) => {
            apply(&weights.input, input, ids, rows, &mut space.output[here.clone()]);
            isa.dispatch(Activate { activation: dense.activation, values: &mut space.output[here] });
        }
        (Layer::Dropout(_), _) => {
            isa.dispatch(Multiply { out: &mut space.output[here.clone()], a: &input[here.clone()], b: &space.factors[here] });
        }
        _ => {}
    }
}

/// The same back.
pub fn backward(isa: Isa, tile: &mut LaneTile, index: usize, layer: &Layer, weights: Option<&LayerWeights>, steps: Range<usize>) {
    let rows = steps.start * tile.n()..steps.end * tile.n();
    let here = rows.start * layer.size()..rows.end * layer.size();
    let (space, _, d_input, _) = tile.layer(index);
    match (layer, weights) {
        (Layer::Dense(dense), Some(weights)) => {
            let d = &mut space.d_output[here.clone()];
            isa.dispatch(ActivateBack { activation: dense.activation, output: &space.output[here], d });
            dense_input_backward(dense, weights, d, d_input, rows);
        }
        (Layer::Dropout(_), _) if !d_input.is_empty() => {
            isa.dispatch(Multiply { out: &mut d_input[here.clone()], a: &space.d_output[here.clone()], b: &space.factors[here] });
        }
        _ => {}
    }
}

fn dense_input_backward(dense: &Dense, weights: &LayerWeights, d: &[f32], d_input: &mut [f32], rows: Range<usize>) {
    let InputMap::Product(affine) = &weights.input else { return };
    let Some(map) = affine.backward.as_ref().filter(|_| !d_input.is_empty()) else { return };
    let d_input = &mut d_input[rows.start * dense.input..rows.end * dense.input];
    let d = Matrix::new(d, rows.len(), dense.size);
    multiply(d, map, MatrixMut::new(d_input, rows.len(), dense.input), Start::Zero);
}

/// out = a ⊙ b.
struct Multiply<'a> {
    out: &'a mut [f32],
    a: &'a [f32],
    b: &'a [f32],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let mut at = 0;
        while at < self.out.len() {
            (Vector::<S>::load(&self.a[at..]) * Vector::load(&self.b[at..])).store(&mut self.out[at..]);
            at += LANES;
        }
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
