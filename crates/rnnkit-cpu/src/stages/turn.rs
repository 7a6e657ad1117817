//! Two directions on one lane tile: each lane's sequence from its end to its start, and both outputs side by side.

use std::ops::Range;

use rnnkit_core::plan::{Join, Turn};

use crate::workspace::LaneTile;

/// Elements of row t of a lane among n, of `size` values.
fn row(t: usize, lane: usize, n: usize, size: usize) -> Range<usize> {
    (t * n + lane) * size..(t * n + lane + 1) * size
}

/// Row t of the output is row length - 1 - t of what it reads; zero past a lane's end.
pub fn forward(tile: &mut LaneTile, index: usize, layer: &Turn, time: usize) {
    let (n, lengths) = (tile.n(), std::mem::take(&mut tile.lengths));
    let (space, input, ..) = tile.layer(index);
    for (lane, &length) in lengths.iter().enumerate() {
        for t in 0..time {
            let to = &mut space.output[row(t, lane, n, layer.size)];
            if t < length {
                to.copy_from_slice(&input[row(length - 1 - t, lane, n, layer.size)]);
            } else {
                to.fill(0.0);
            }
        }
    }
    tile.lengths = lengths;
}

/// Adds the gradient, turned back, to that of what the layer reads: the forward direction has set it.
pub fn backward(tile: &mut LaneTile, index: usize, layer: &Turn) {
    let (n, lengths) = (tile.n(), std::mem::take(&mut tile.lengths));
    let (space, _, d_input, _) = tile.layer(index);
    if !d_input.is_empty() {
        for (lane, &length) in lengths.iter().enumerate() {
            for t in 0..length {
                let to = &mut d_input[row(length - 1 - t, lane, n, layer.size)];
                to.iter_mut().zip(&space.d_output[row(t, lane, n, layer.size)]).for_each(|(to, d)| *to += d);
            }
        }
    }
    tile.lengths = lengths;
}

/// The reverse part's row that stands beside row t of the forward part.
fn beside(layer: &Join, t: usize, length: usize) -> usize {
    if layer.turns { length - 1 - t } else { t }
}

/// Both parts side by side; zero past a lane's end.
pub fn join(tile: &mut LaneTile, index: usize, layer: &Join, time: usize) {
    let (n, half) = (tile.n(), layer.size / 2);
    let (below, here) = tile.layers.split_at_mut(index);
    let [forward, reverse] = layer.parts.map(|part| &below[part].output);
    for (lane, &length) in tile.lengths.iter().enumerate() {
        for t in 0..time {
            let to = &mut here[0].output[row(t, lane, n, layer.size)];
            if t < length {
                to[..half].copy_from_slice(&forward[row(t, lane, n, half)]);
                to[half..].copy_from_slice(&reverse[row(beside(layer, t, length), lane, n, half)]);
            } else {
                to.fill(0.0);
            }
        }
    }
}

/// The gradients to both parts.
pub fn join_back(tile: &mut LaneTile, index: usize, layer: &Join) {
    let (n, half) = (tile.n(), layer.size / 2);
    let (below, here) = tile.layers.split_at_mut(index);
    let d = &here[0].d_output;
    for (at, part) in layer.parts.into_iter().enumerate() {
        let to = &mut below[part].d_output;
        to.fill(0.0);
        for (lane, &length) in tile.lengths.iter().enumerate() {
            for t in 0..length {
                let t_there = if at == 0 { t } else { beside(layer, t, length) };
                let from = row(t, lane, n, layer.size).start + at * half;
                to[row(t_there, lane, n, half)].copy_from_slice(&d[from..from + half]);
            }
        }
    }
}
