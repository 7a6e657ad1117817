//! Head, loss and the start of the way back.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::spec::{LossSpec, Predict};

use super::input::plan_at;
use super::{GpuRun, Operands, THREADS, groups, product};
use crate::arguments::{Copy, LossSum, ScaleGradients, SoftmaxLoss, SquaredLoss};
use crate::kernel::{KernelId, ProductKind};
use crate::recorder::Recorder;
use crate::slice::Slice;

/// The time steps the head looks at.
fn predicted_steps(run: &GpuRun<'_>) -> Range<usize> {
    let time = run.windows.time;
    match run.plan.head.predict {
        Predict::EveryStep => 0..time,
        Predict::LastStep => time - 1..time,
    }
}

/// Copies elements within the arena; from nowhere: zeros.
fn copy(recorder: &mut Recorder, run: &GpuRun<'_>, from: Option<u32>, to: u32, elements: usize) -> Result<()> {
    let arguments = Copy { from_at: from.unwrap_or(0), to_at: to, elements: elements as u32, zero: u32::from(from.is_none()) };
    recorder.dispatch(KernelId::Copy, vec![run.prepared.arena_slice()], bytemuck::bytes_of(&arguments), groups(elements))
}

/// Logits of some time steps, from the beginning of the logits' place on.
fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, steps: Range<usize>) -> Result<()> {
    let (space, head, lanes) = (&run.prepared, &run.plan.head, run.windows.lanes);
    let rows = steps.len() * lanes;
    let x = space.input_of(run.plan.layers.len()) + (steps.start * lanes * head.input) as u32;
    let Some((weight, bias)) = &head.weights else {
        return copy(recorder, run, Some(x), space.layout.logits, rows * head.size);
    };
    let operands = Operands {
        a: (space.arena_slice(), x),
        b: (run.parameters.slice(), weight.start as u32),
        bias: Some(Slice::of(&run.parameters.buffer, bias.start, bias.len())),
        c: (space.arena_slice(), space.layout.logits),
    };
    product(recorder, ProductKind::Affine, [rows, head.size, head.input], operands, 0)
}

/// Head, loss, and in training the gradient of the head's input.
pub fn head_and_loss(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let steps = predicted_steps(run);
    let (lanes, size) = (run.windows.lanes, run.plan.head.size);
    let rows = steps.len() * lanes;
    let count = run.windows.count(run.plan, &run.data.extent, k);
    forward(recorder, run, steps.clone())?;
    let layout = &run.prepared.layout;
    if run.prepared.shape.taps {
        copy(recorder, run, Some(layout.logits), layout.kept_logits, rows * size)?;
    }
    let scale = run.plan.spec.loss.row_scale(count, lanes, size) as f32;
    losses(recorder, run, k, steps.clone(), scale)?;
    let root = matches!(run.plan.spec.loss, LossSpec::RootMeanSquaredError);
    let arguments = LossSum { rows: rows as u32, window: k as u32, scale, root: u32::from(root) };
    let losses = Slice::of(&run.prepared.arena, layout.losses as usize, 2 * rows);
    recorder.dispatch(KernelId::LossSum, vec![losses, run.prepared.state.slice()], bytemuck::bytes_of(&arguments), 1)?;
    if run.training.is_some() {
        if root {
            let arguments = ScaleGradients { elements: (rows * size) as u32 };
            let slices = vec![logits(run, rows), run.prepared.state.slice()];
            recorder.dispatch(KernelId::ScaleGradients, slices, bytemuck::bytes_of(&arguments), groups(rows * size))?;
        }
        backward(recorder, run, steps)?;
    }
    run.prepared.counts.push(count as u64);
    Ok(())
}

fn logits(run: &GpuRun<'_>, rows: usize) -> Slice {
    Slice::of(&run.prepared.arena, run.prepared.layout.logits as usize, rows * run.plan.head.size)
}

/// Each row's loss, and in training the gradients of its logits.
fn losses(recorder: &mut Recorder, run: &GpuRun<'_>, k: usize, steps: Range<usize>, scale: f32) -> Result<()> {
    let (space, lanes, size) = (&run.prepared, run.windows.lanes, run.plan.head.size as u32);
    let rows = steps.len() * lanes;
    let targets = run.data.targets.as_ref().unwrap_or(&run.data.inputs);
    let (has_mask, mask) = (u32::from(run.data.mask.is_some()), run.data.mask.as_ref().unwrap_or(targets).slice());
    let slices = vec![
        logits(run, rows),
        Slice::of(&space.arena, space.layout.losses as usize, 2 * rows),
        Slice::whole(&space.windows),
        targets.slice(),
        mask,
    ];
    let (first_step, starts, shift) = (steps.start as u32, plan_at(run, k), run.data.extent.target(0) as u32);
    let (training, lanes) = (u32::from(run.training.is_some()), lanes as u32);
    if let LossSpec::CrossEntropy { label_smoothing, .. } = run.plan.spec.loss {
        let smoothing = label_smoothing as f32;
        let arguments = SoftmaxLoss { rows: rows as u32, size, lanes, first_step, starts, shift, has_mask, smoothing, scale, training };
        return recorder.dispatch(KernelId::SoftmaxLoss, slices, bytemuck::bytes_of(&arguments), rows);
    }
    let arguments = SquaredLoss { rows: rows as u32, size, lanes, first_step, starts, shift, has_mask, scale, training };
    recorder.dispatch(KernelId::SquaredLoss, slices, bytemuck::bytes_of(&arguments), rows.div_ceil(THREADS))
}

/// From the gradients of the logits to that of the last layer's output; zero where the head does not look.
fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, steps: Range<usize>) -> Result<()> {
    let (space, head, lanes) = (&run.prepared, &run.plan.head, run.windows.lanes);
    let d_output = space.d_input_of(run.plan.layers.len());
    let first = steps.start * lanes * head.input;
    if first > 0 {
        copy(recorder, run, None, d_output, first)?;
    }
    let rows = steps.len() * lanes;
    let to = d_output + first as u32;
    let Some((weight, _)) = &head.weights else {
        return copy(recorder, run, Some(space.layout.logits), to, rows * head.size);
    };
    let operands = Operands {
        a: (space.arena_slice(), space.layout.logits),
        b: (run.parameters.slice(), weight.start as u32),
        bias: None,
        c: (space.arena_slice(), to),
    };
    product(recorder, ProductKind::Back, [rows, head.input, head.size], operands, 0)
}

/// Logits of the last time step, [N, size]. Waits.
pub fn read_logits(recorder: &mut Recorder, run: &GpuRun<'_>, out: &mut [f32]) -> Result<()> {
    let time = run.windows.time;
    forward(recorder, run, time - 1..time)?;
    let values = recorder.read(&run.prepared.arena, run.prepared.layout.logits as usize, out.len())?;
    out.copy_from_slice(&values);
    Ok(())
}
