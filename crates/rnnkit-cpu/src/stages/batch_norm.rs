//! Batch normalisation: each feature over all positions of all lane tiles.
//!
//! Sums are taken in f64, for each tile by one thread, and joined in the tiles' order, which the shape alone decides: so the bits do not
//! depend on the threads. The equations stand in the oracle's file of the same name.

use rnnkit_core::plan::{BatchNorm, Layer, ModelPlan};

use crate::pool::ThreadPool;
use crate::workspace::{LaneTile, LayerSpace, Workspace};

/// Over a whole window of `time` steps; `by_window`: by its own statistics. Whether the statistics are finite.
pub fn forward(
    pool: &ThreadPool,
    space: &mut Workspace,
    parameters: &[f32],
    index: usize,
    layer: &BatchNorm,
    time: usize,
    by_window: bool,
) -> bool {
    let Workspace { tiles, norms, .. } = space;
    let Some(norm) = &mut norms[index] else { return true };
    norm.count = tiles.iter().flat_map(|tile| &tile.lengths).sum();
    if by_window && norm.count > 0 {
        let scale = 1.0 / norm.count as f64;
        sum(pool, tiles, index, time, |x, _, feature, [sum, _]| *sum += f64::from(x[feature]));
        join(tiles, index, 0, scale, &mut norm.mean);
        let mean = &norm.mean;
        sum(pool, tiles, index, time, |x, _, feature, [sum, _]| {
            let off = f64::from(x[feature]) - mean[feature];
            *sum += off * off;
        });
        join(tiles, index, 0, scale, &mut norm.variance);
    } else {
        take(&mut norm.mean, &parameters[layer.moving_mean.clone()]);
        take(&mut norm.variance, &parameters[layer.moving_variance.clone()]);
    }
    for (inverse, variance) in norm.inverse.iter_mut().zip(&norm.variance) {
        *inverse = 1.0 / (variance + layer.epsilon).sqrt();
    }
    let norm = &*norm;
    let (gamma, beta) = (&parameters[layer.gamma.clone()], &parameters[layer.beta.clone()]);
    each_row(pool, tiles, index, time, |space, x, _, row| {
        let output = &mut space.output[row * x.len()..(row + 1) * x.len()];
        for (feature, (y, &x)) in output.iter_mut().zip(x).enumerate() {
            *y = gamma[feature] * ((x - norm.mean[feature] as f32) * norm.inverse[feature] as f32) + beta[feature];
        }
    });
    norm.mean.iter().chain(&norm.variance).all(|value| (*value as f32).is_finite())
}

fn take(to: &mut [f64], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = f64::from(from));
}

/// Every row of every tile within its lane's length, in order: the layer's space, the row of x, where the gradient of the rows of x goes
/// (empty if nobody wants it), and the row's number. Rows past a lane's end become zero, in the output and in that gradient.
fn each_row(
    pool: &ThreadPool,
    tiles: &mut [LaneTile],
    index: usize,
    time: usize,
    each: impl Fn(&mut LayerSpace, &[f32], &mut [f32], usize) + Sync,
) {
    pool.for_each(tiles, |_, tile| {
        let (n, lengths) = (tile.n(), std::mem::take(&mut tile.lengths));
        let (space, input, d_input, _) = tile.layer(index);
        let size = space.sums[0].len();
        for row in 0..time * n {
            let here = row * size..(row + 1) * size;
            if row / n < lengths[row % n] {
                each(space, &input[here], d_input, row);
            } else {
                space.output[here.clone()].fill(0.0);
                if let Some(d_input) = d_input.get_mut(here) {
                    d_input.fill(0.0);
                }
            }
        }
        tile.lengths = lengths;
    });
}

/// Each tile's two sums over its positions: `each` is told the row of x, that of the output's gradient (empty where there is none), the
/// feature, and adds to its sums.
fn sum(pool: &ThreadPool, tiles: &mut [LaneTile], index: usize, time: usize, each: impl Fn(&[f32], &[f32], usize, [&mut f64; 2]) + Sync) {
    for tile in &mut *tiles {
        tile.layers[index].sums.iter_mut().for_each(|sum| sum.fill(0.0));
    }
    each_row(pool, tiles, index, time, |space, x, _, row| {
        let LayerSpace { d_output, sums: [first, second], .. } = space;
        let dy = d_output.get(row * x.len()..(row + 1) * x.len()).unwrap_or(&[]);
        for (feature, (first, second)) in first.iter_mut().zip(second).enumerate() {
            each(x, dy, feature, [first, second]);
        }
    });
}

/// The tiles' sums, in their order, times `scale`.
fn join(tiles: &[LaneTile], index: usize, which: usize, scale: f64, out: &mut [f64]) {
    for (feature, out) in out.iter_mut().enumerate() {
        *out = tiles.iter().map(|tile| tile.layers[index].sums[which][feature]).sum::<f64>() * scale;
    }
}

/// To the gradient of what the layer reads; sums that gamma and beta want are kept for [`weight_gradients`].
pub fn backward(pool: &ThreadPool, space: &mut Workspace, gamma: &[f32], index: usize, layer: &BatchNorm, time: usize) {
    let Workspace { tiles, norms, .. } = space;
    let Some(norm) = &mut norms[index] else { return };
    let read = &*norm;
    let hat = |x: &[f32], feature: usize| (f64::from(x[feature]) - read.mean[feature]) * read.inverse[feature];
    sum(pool, tiles, index, time, |x, dy, feature, [sum, with_hat]| {
        *sum += f64::from(dy[feature]);
        *with_hat += f64::from(dy[feature]) * hat(x, feature);
    });
    join(tiles, index, 0, 1.0, &mut norm.d_beta);
    join(tiles, index, 1, 1.0, &mut norm.d_gamma);
    // By the moving statistics, which no input changes, the means of the gradient drop out.
    let share = if layer.frozen { 0.0 } else { 1.0 / norm.count.max(1) as f64 };
    let norm = &*norm;
    each_row(pool, tiles, index, time, |space, x, d_input, row| {
        let dy = &space.d_output[row * x.len()..(row + 1) * x.len()];
        let Some(dx) = d_input.get_mut(row * x.len()..(row + 1) * x.len()) else { return };
        for (feature, (dx, &dy)) in dx.iter_mut().zip(dy).enumerate() {
            let hat = (x[feature] - norm.mean[feature] as f32) * norm.inverse[feature] as f32;
            let means = (norm.d_beta[feature] * share) as f32 + hat * (norm.d_gamma[feature] * share) as f32;
            *dx = gamma[feature] * norm.inverse[feature] as f32 * (dy - means);
        }
    });
}

/// Gradients of gamma and beta, after [`backward`].
pub fn weight_gradients(space: &Workspace, gradients: &mut [f32], index: usize, layer: &BatchNorm) {
    let Some(norm) = &space.norms[index] else { return };
    for (range, sums) in [(&layer.gamma, &norm.d_gamma), (&layer.beta, &norm.d_beta)] {
        gradients[range.clone()].iter_mut().zip(sums).for_each(|(gradient, &sum)| *gradient = sum as f32);
    }
}

/// The moving statistics take their share of the window's.
pub fn update_statistics(space: &Workspace, plan: &ModelPlan, parameters: &mut [f32]) {
    for (layer, norm) in plan.layers.iter().zip(&space.norms) {
        let (Layer::BatchNorm(layer), Some(norm)) = (layer, norm) else { continue };
        if layer.frozen {
            continue;
        }
        for (range, window) in [(&layer.moving_mean, &norm.mean), (&layer.moving_variance, &norm.variance)] {
            for (moving, &new) in parameters[range.clone()].iter_mut().zip(window) {
                *moving = (layer.momentum * f64::from(*moving) + (1.0 - layer.momentum) * new) as f32;
            }
        }
    }
}
