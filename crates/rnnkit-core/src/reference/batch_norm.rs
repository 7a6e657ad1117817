//! Batch normalisation in plain loops: each feature over all positions within their lanes' lengths.
//!
//! With x̂ = (x - mean) / sqrt(variance + epsilon), y = gamma x̂ + beta, over m positions, the way back is (Ioffe and Szegedy, section 3)
//! dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - x̂ mean(dy x̂)); by the moving statistics, which no input changes, the two means
//! drop out.

use super::workspace::Workspace;
use crate::backend::Run;
use crate::math::Scalar;
use crate::plan::{BatchNorm, Layer, ModelPlan};

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// Whether a run normalises by its own window's statistics.
fn by_window<R>(run: &HostRun<'_, R>, layer: &BatchNorm) -> bool {
    run.training.is_some() && !layer.frozen
}

fn layer_of(plan: &ModelPlan, index: usize) -> Option<&BatchNorm> {
    if let Layer::BatchNorm(layer) = &plan.layers[index] { Some(layer) } else { None }
}

/// Rows within their lanes' lengths, as t * N + lane.
fn rows(lengths: &[usize], time: usize) -> Vec<usize> {
    let n = lengths.len();
    (0..time * n).filter(|row| row / n < lengths[row % n]).collect()
}

/// Over the whole window. Rows past a lane's end become zero.
pub fn forward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize) {
    let Some(layer) = layer_of(run.plan, index) else { return };
    let size = layer.size;
    let rows = rows(&run.prepared.lengths, run.windows.time);
    let x = run.prepared.input_of(index).to_vec();
    if by_window(run, layer) && !rows.is_empty() {
        let mean = |value: &dyn Fn(usize) -> f64| rows.iter().map(|&row| value(row)).sum::<f64>() / rows.len() as f64;
        let statistics = &mut run.prepared.layers[index].statistics;
        for feature in 0..size {
            let of = |row: usize| x[row * size + feature].to_f64();
            let average = mean(&of);
            statistics[0][feature] = R::from_f64(average);
            statistics[1][feature] = R::from_f64(mean(&|row| (of(row) - average) * (of(row) - average)));
        }
        run.prepared.non_finite |= statistics_are_bad(&run.prepared.layers[index].statistics);
    } else {
        let moving = [&layer.moving_mean, &layer.moving_variance].map(|range| run.parameters[range.clone()].to_vec());
        run.prepared.layers[index].statistics = moving;
    }
    let space = &mut run.prepared.layers[index];
    space.output.fill(R::default());
    let (gamma, beta) = (&run.parameters[layer.gamma.clone()], &run.parameters[layer.beta.clone()]);
    for row in rows {
        for feature in 0..size {
            let at = row * size + feature;
            space.output[at] = gamma[feature] * normalized(layer, &space.statistics, feature, x[at]) + beta[feature];
        }
    }
}

fn statistics_are_bad<R: Scalar>(statistics: &[Vec<R>; 2]) -> bool {
    statistics.iter().flatten().any(|value| !value.is_finite())
}

fn normalized<R: Scalar>(layer: &BatchNorm, [mean, variance]: &[Vec<R>; 2], feature: usize, x: R) -> R {
    (x - mean[feature]) / (variance[feature] + R::from_f64(layer.epsilon)).sqrt()
}

/// To the gradient of what the layer reads; those of gamma and beta are [`weight_gradients`].
pub fn backward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize) {
    let Some(layer) = layer_of(run.plan, index) else { return };
    let size = layer.size;
    let rows = rows(&run.prepared.lengths, run.windows.time);
    let by_window = by_window(run, layer);
    let x = run.prepared.input_of(index).to_vec();
    let (d_output, statistics) = (run.prepared.layers[index].d_output.clone(), run.prepared.layers[index].statistics.clone());
    let gamma = run.parameters[layer.gamma.clone()].to_vec();
    let dx = run.prepared.d_input_of(index);
    dx.fill(R::default());
    for feature in 0..size {
        let hat = |row: usize| normalized(layer, &statistics, feature, x[row * size + feature]);
        let dy = |row: usize| d_output[row * size + feature];
        let count = R::from_f64(rows.len().max(1) as f64);
        let (mean_dy, mean_dy_hat) = if by_window {
            (rows.iter().map(|&row| dy(row)).sum::<R>() / count, rows.iter().map(|&row| dy(row) * hat(row)).sum::<R>() / count)
        } else {
            (R::default(), R::default())
        };
        let scale = gamma[feature] / (statistics[1][feature] + R::from_f64(layer.epsilon)).sqrt();
        for &row in &rows {
            dx[row * size + feature] = scale * (dy(row) - mean_dy - hat(row) * mean_dy_hat);
        }
    }
}

/// Gradients of gamma and beta.
pub fn weight_gradients<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, layer: &BatchNorm) {
    let Some(training) = &mut run.training else { return };
    let (space, size) = (&run.prepared.layers[index], layer.size);
    let x = run.prepared.input_of(index);
    for feature in 0..size {
        let (mut gamma, mut beta) = (R::default(), R::default());
        for row in rows(&run.prepared.lengths, run.windows.time) {
            let at = row * size + feature;
            gamma += space.d_output[at] * normalized(layer, &space.statistics, feature, x[at]);
            beta += space.d_output[at];
        }
        training.gradients[layer.gamma.start + feature] = gamma;
        training.gradients[layer.beta.start + feature] = beta;
    }
}

/// The moving statistics take their share of this window's.
pub fn update_statistics<R: Scalar>(run: &mut HostRun<'_, R>) {
    for (layer, space) in run.plan.layers.iter().zip(&run.prepared.layers) {
        let Layer::BatchNorm(layer) = layer else { continue };
        if layer.frozen {
            continue;
        }
        let (kept, new) = (R::from_f64(layer.momentum), R::from_f64(1.0 - layer.momentum));
        for (range, statistic) in [&layer.moving_mean, &layer.moving_variance].into_iter().zip(&space.statistics) {
            for (moving, &value) in run.parameters[range.clone()].iter_mut().zip(statistic) {
                *moving = kept * *moving + new * value;
            }
        }
    }
}
