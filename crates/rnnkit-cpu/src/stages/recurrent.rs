//! A recurrent layer on one lane tile: the input product of some time steps, and the state of one.
//!
//! Products add to their starting values in the order of k, so it does not matter for the bits whether the input product is taken for
//! all time steps at once or for one.

use std::ops::Range;

use rnnkit_core::cell::Cell;
use rnnkit_core::plan::Recurrent;

use super::cells::{Backward, Forward};
use super::dropout::Multiply;
use super::rows::{apply, apply_back};
use crate::aligned::Aligned;
use crate::product::Start;
use crate::simd::Isa;
use crate::weights::LayerWeights;
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

/// h of the step before as it enters the product: with its dropout, [n, copies, H], kept for the way back; or h itself.
fn entering<'a>(isa: Isa, entering: &'a mut [f32], factors: &[f32], h: &'a [f32], size: usize, t: usize) -> &'a [f32] {
    if entering.is_empty() {
        return h;
    }
    let n = h.len() / size;
    let copies = factors.len() / h.len();
    let rows = &mut entering[t * factors.len()..(t + 1) * factors.len()];
    for (at, out) in rows.chunks_exact_mut(size).enumerate() {
        let (lane, copy) = (at / copies, at % copies);
        let b = &factors[(copy * n + lane) * size..(copy * n + lane + 1) * size];
        isa.dispatch(Multiply { out, a: &h[lane * size..(lane + 1) * size], b, adds: false });
    }
    rows
}

/// The factors of a layer's dropout of h, [copies, n, H]; empty without.
fn hidden_factors<'a>(factors: &'a [Aligned], layer: &Recurrent) -> &'a [f32] {
    layer.hidden_dropout.map_or(&[], |site| &factors[site])
}

/// Time step t: hidden product, gates and state, after `input_forward`. States are zero in lanes that have ended.
pub fn state_forward<C: Cell>(isa: Isa, cell: C, tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, t: usize) {
    let Some(map) = &weights.hidden else { return };
    let n = tile.n();
    let (len, width) = (n * layer.size, C::GATES * layer.size);
    let LaneTile { layers, factors, lengths, uneven, .. } = tile;
    let LayerSpace { output, gates, kept_gates, hidden, kept, cell_state, start, entering: [masked, _], .. } = &mut layers[index];
    let (before, now) = output.split_at_mut(t * len);
    let h_previous = previous(&start[0], before, t, len);
    let (c_before, c_now) = cell_state.split_at_mut(if C::HAS_CELL_STATE { t * len } else { 0 });
    let c_previous = previous(&start[1], c_before, t, len);
    let gates = &mut gates[t * n * width..(t + 1) * n * width];
    let x = entering(isa, masked, hidden_factors(factors, layer), h_previous, layer.size, t);
    if C::SPLIT {
        map.forward(x, n, hidden, true);
    } else {
        map.forward(x, n, gates, false);
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
    if *uneven {
        for lane in (0..n).filter(|&lane| t >= lengths[lane]) {
            now[lane * layer.size..(lane + 1) * layer.size].fill(0.0);
            if C::HAS_CELL_STATE {
                c_now[lane * layer.size..(lane + 1) * layer.size].fill(0.0);
            }
        }
    }
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
    let Some(map) = &weights.hidden else { return };
    let n = tile.n();
    let (len, width) = (n * layer.size, C::GATES * layer.size);
    let LaneTile { layers, factors, .. } = tile;
    let space = &mut layers[index];
    let LayerSpace { output, d_output, gates, d_hidden, kept, cell_state, start, d_carry: [d_h, d_c], .. } = space;
    if last {
        d_h.fill(0.0);
        d_c.fill(0.0);
    }
    if !space.d_state.is_empty() {
        let shown = space.d_state[t * len..(t + 1) * len].iter_mut();
        shown.zip(d_output[t * len..].iter().zip(d_h.iter())).for_each(|(shown, (above, after))| *shown = above + after);
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
    let [_, d_entering] = &mut space.entering;
    if d_entering.is_empty() {
        map.back(d_pre, n, d_h, Start::Current);
        return;
    }
    map.back(d_pre, n, d_entering, Start::Zero);
    let (factors, size) = (hidden_factors(factors, layer), layer.size);
    let copies = d_entering.len() / len;
    for (at, a) in d_entering.chunks_exact(size).enumerate() {
        let (lane, copy) = (at / copies, at % copies);
        let b = &factors[(copy * n + lane) * size..(copy * n + lane + 1) * size];
        isa.dispatch(Multiply { out: &mut d_h[lane * size..(lane + 1) * size], a, b, adds: true });
    }
}

/// From the gradients of the input pre-activations of some time steps to those of the layer's input.
pub fn input_backward(tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, steps: Range<usize>) {
    let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
    let rows = steps.start * n..steps.end * n;
    let (space, _, d_input, _) = tile.layer(index);
    apply_back(&weights.input, &space.gates[rows.start * width..rows.end * width], d_input, rows);
}
