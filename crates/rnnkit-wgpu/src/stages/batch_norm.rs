//! Batch normalisation: the window's statistics, the rows normalised by them, the way back, and the moving statistics.

use rnnkit_core::Result;
use rnnkit_core::plan::{BatchNorm, Layer};

use super::{GpuRun, groups, lengths_at};
use crate::arguments::{FeatureGradients, MovingStatistics, Normalize, NormalizeBackward, Statistics};
use crate::kernel::{BatchNormKernel, KernelId};
use crate::recorder::Recorder;

/// Features that one workgroup sums.
const FEATURES: usize = 16;

/// Rows of the window within their lanes' lengths.
fn count(run: &GpuRun<'_>) -> usize {
    let windows = run.windows;
    (0..windows.lanes).map(|lane| windows.length(run.prepared.window, lane)).sum()
}

/// Whether a run normalises by its own window's statistics; a window without a row has none.
fn by_window(run: &GpuRun<'_>, layer: &BatchNorm) -> bool {
    run.training.is_some() && !layer.frozen && count(run) > 0
}

fn rows(run: &GpuRun<'_>) -> usize {
    run.windows.time * run.windows.lanes
}

/// The statistics, then the rows.
pub fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, layer: &BatchNorm) -> Result<()> {
    let (space, elements) = (&run.prepared, rows(run) * layer.size);
    let (input, place) = (space.layout.input_of(index), space.layout.layers[index]);
    let (size, lanes, lengths) = (layer.size as u32, run.windows.lanes as u32, lengths_at(run));
    let arguments = Statistics {
        size,
        rows: rows(run) as u32,
        count: count(run) as f32,
        lanes,
        lengths,
        input,
        statistics: place.statistics,
        moving_mean: layer.moving_mean.start as u32,
        moving_variance: layer.moving_variance.start as u32,
        by_window: u32::from(by_window(run, layer)),
        window: space.window as u32,
    };
    let slices = vec![space.arena_slice(), run.parameters.slice(), space.plan_slice(), space.state.slice()];
    let id = KernelId::BatchNorm(BatchNormKernel::Statistics);
    recorder.dispatch(id, slices, bytemuck::bytes_of(&arguments), layer.size.div_ceil(FEATURES))?;
    let arguments = Normalize {
        elements: elements as u32,
        size,
        lanes,
        lengths,
        input,
        output: place.output,
        statistics: place.statistics,
        gamma: layer.gamma.start as u32,
        beta: layer.beta.start as u32,
        epsilon: layer.epsilon as f32,
    };
    let slices = vec![space.arena_slice(), run.parameters.slice(), space.plan_slice()];
    recorder.dispatch(KernelId::BatchNorm(BatchNormKernel::Normalize), slices, bytemuck::bytes_of(&arguments), groups(elements))?;
    recorder.count_products(2 * elements as u64)
}

/// The gradients of gamma and beta, which are sums that the way back needs; then that of what the layer reads, where someone looks at it.
pub fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, layer: &BatchNorm, d_input: Option<u32>) -> Result<()> {
    let (space, Some(training)) = (&run.prepared, &run.training) else { return Ok(()) };
    let elements = rows(run) * layer.size;
    let (input, place) = (space.layout.input_of(index), space.layout.layers[index]);
    let arguments = FeatureGradients {
        size: layer.size as u32,
        rows: rows(run) as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
        input,
        d_output: place.d_output,
        statistics: place.statistics,
        gamma: layer.gamma.start as u32,
        beta: layer.beta.start as u32,
        epsilon: layer.epsilon as f32,
    };
    let slices = vec![space.arena_slice(), training.gradients.slice(), space.plan_slice()];
    let id = KernelId::BatchNorm(BatchNormKernel::FeatureGradients);
    recorder.dispatch(id, slices, bytemuck::bytes_of(&arguments), layer.size.div_ceil(FEATURES))?;
    recorder.count_products(2 * elements as u64)?;
    let Some(d_input) = d_input else { return Ok(()) };
    let FeatureGradients { size, lanes, lengths, input, d_output, statistics, gamma, beta, epsilon, .. } = arguments;
    let share = if by_window(run, layer) { 1.0 / count(run) as f32 } else { 0.0 };
    let arguments = NormalizeBackward {
        elements: elements as u32,
        size,
        lanes,
        lengths,
        input,
        d_input,
        d_output,
        statistics,
        gamma,
        beta,
        epsilon,
        share,
    };
    let slices = vec![space.arena_slice(), run.parameters.slice(), training.gradients.slice(), space.plan_slice()];
    recorder.dispatch(KernelId::BatchNorm(BatchNormKernel::NormalizeBackward), slices, bytemuck::bytes_of(&arguments), groups(elements))
}

/// The moving statistics of every layer that is not frozen take their share of the window's; nothing after a bad status.
pub fn update_statistics(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let space = &run.prepared;
    for (layer, place) in run.plan.layers.iter().zip(&space.layout.layers) {
        let Layer::BatchNorm(layer) = layer else { continue };
        if layer.frozen {
            continue;
        }
        let arguments = MovingStatistics {
            size: layer.size as u32,
            statistics: place.statistics,
            moving_mean: layer.moving_mean.start as u32,
            moving_variance: layer.moving_variance.start as u32,
            new_share: (1.0 - layer.momentum) as f32,
        };
        let slices = vec![space.arena_slice(), run.parameters.slice(), space.state.slice()];
        let id = KernelId::BatchNorm(BatchNormKernel::MovingStatistics);
        recorder.dispatch(id, slices, bytemuck::bytes_of(&arguments), groups(layer.size))?;
    }
    Ok(())
}
