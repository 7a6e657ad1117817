//! A recurrent layer on one lane tile: the input product of some time steps, and the state of one.
//!
//! Products add to their starting values in the order of k, so it does not matter for the bits whether the input product is taken for
//! all time steps at once or for one.

use std::ops::Range;

use rnnkit_core::cell::Cell;
use rnnkit_core::plan::Recurrent;

use super::cells::{Backward, Forward};
use super::rows::apply;
use crate::product::{Matrix, MatrixMut, Start, multiply};
use crate::simd::Isa;
use crate::weights::{InputMap, LayerWeights};
use crate::workspace::{LaneTile, LayerSpace};

/// The input's part of the pre-activations of some time steps.
pub fn input_forward(tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, steps: Range<usize>) {
    let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
    let rows = steps.start * n..steps.end * n;
    let (space, input, _, ids) = tile.layer(index);
    apply(&weights.input, input, ids, rows.clone(), &mut space.gates[rows.start * width..rows.end * width]);
}

/// The states before time step t: the window's start, or step t - 1's; nothing where the cell has no such state. `len` = n·H.
fn previous<'a>(start: &'a [f32], all: &'a [f32], t: usize, len: usize) -> &'a [f32] {
    match t {
        0 => start,
        _ if all.is_empty() => all,
        _ => &all[(t - 1) * len..t * len],
    }
}

/// A buffer's part at time step t, or nothing of an empty one.
fn at(buffer: &mut [f32], t: usize, len: usize) -> &mut [f32] {
    if buffer.is_empty() { buffer } else { &mut buffer[t * len..(t + 1) * len] }
}

/// Time step t: hidden product, gates and state, after `input_forward`.
pub fn state_forward<C: Cell>(isa: Isa, cell: C, tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, t: usize) {
    let Some(map) = &weights.hidden else { return };
    let n = tile.n();
    let (len, width) = (n * layer.size, C::GATES * layer.size);
    let LayerSpace { output, gates, kept_gates, hidden, kept, cell_state, start, .. } = &mut tile.layers[index];
    let (before, now) = output.split_at_mut(t * len);
    let h_previous = previous(&start[0], before, t, len);
    let (c_before, c_now) = cell_state.split_at_mut(if C::HAS_CELL_STATE { t * len } else { 0 });
    let c_previous = previous(&start[1], c_before, t, len);
    let gates = &mut gates[t * n * width..(t + 1) * n * width];
    let h = Matrix::new(h_previous, n, layer.size);
    if C::SPLIT {
        multiply(h, &map.forward, MatrixMut::new(hidden, n, width), Start::Row(&map.bias));
    } else {
        multiply(h, &map.forward, MatrixMut::new(gates, n, width), Start::Current);
    }
    isa.dispatch(Forward {
        cell,
        size: layer.size,
        gates,
        hidden,
        h_previous,
        c_previous,
        h: &mut now[..len],
        c: if C::HAS_CELL_STATE { &mut c_now[..len] } else { c_now },
        kept: at(kept, t, len),
    });
    if !kept_gates.is_empty() {
        kept_gates[t * n * width..(t + 1) * n * width].copy_from_slice(gates);
    }
}

/// Time step t back, after t + 1: gates and state, then the hidden product. `last`: nothing flows in from t + 1.
pub fn state_backward<C: Cell>(
    isa: Isa,
    cell: C,
    tile: &mut LaneTile,
    index: usize,
    layer: &Recurrent,
    weights: &LayerWeights,
    t: usize,
    last: bool,
) {
    let Some(map) = weights.hidden.as_ref().and_then(|map| map.backward.as_ref()) else { return };
    let n = tile.n();
    let (len, width) = (n * layer.size, C::GATES * layer.size);
    let LayerSpace { output, d_output, gates, d_hidden, kept, cell_state, start, d_carry: [d_h, d_c], .. } = &mut tile.layers[index];
    if last {
        d_h.fill(0.0);
        d_c.fill(0.0);
    }
    let gates = &mut gates[t * n * width..(t + 1) * n * width];
    let d_hidden = at(d_hidden, t, n * width);
    isa.dispatch(Backward {
        cell,
        size: layer.size,
        gates,
        d_hidden,
        d_output: &d_output[t * len..(t + 1) * len],
        d_h,
        d_c,
        h: &output[t * len..(t + 1) * len],
        h_previous: previous(&start[0], output, t, len),
        c_previous: previous(&start[1], cell_state, t, len),
        kept: at(kept, t, len),
    });
    let d_pre = if C::SPLIT { d_hidden } else { gates };
    multiply(Matrix::new(d_pre, n, width), map, MatrixMut::new(d_h, n, layer.size), Start::Current);
}

/// From the gradients of the input pre-activations of some time steps to those of the layer's input.
pub fn input_backward(tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, steps: Range<usize>) {
    let InputMap::Product(affine) = &weights.input else { return };
    let Some(map) = &affine.backward else { return };
    let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
    let rows = steps.start * n..steps.end * n;
    let (space, _, d_input, _) = tile.layer(index);
    if d_input.is_empty() {
        return;
    }
    let d_pre = Matrix::new(&space.gates[rows.start * width..rows.end * width], rows.len(), width);
    let d_input = &mut d_input[rows.start * layer.input..rows.end * layer.input];
    multiply(d_pre, map, MatrixMut::new(d_input, rows.len(), layer.input), Start::Zero);
}
