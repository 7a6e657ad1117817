//! Head, loss and the start of the way back.

use rnnkit_core::Result;
use rnnkit_core::backend::LogitRows;
use rnnkit_core::spec::{LossSpec, Predict};

use super::{GpuRun, Operands, THREADS, groups, lengths_at, plan_at, product};
use crate::arguments::{Copy, EndedRows, LastRows, LossSum, ScaleGradients, SoftmaxLoss, SquaredLoss};
use crate::kernel::{KernelId, LanesKernel, ProductKind};
use crate::recorder::Recorder;
use crate::slice::Slice;

/// The rows that the model's head predicts.
fn predicted(run: &GpuRun<'_>) -> LogitRows {
    match run.plan.head.predict {
        Predict::EveryStep => LogitRows::EveryStep,
        Predict::LastStep => LogitRows::LastStep,
    }
}

/// How many they are.
fn count_of(run: &GpuRun<'_>, rows: LogitRows) -> usize {
    run.windows.lanes * if rows == LogitRows::EveryStep { run.windows.time } else { 1 }
}

/// Element at which the last time step begins in rows that the head reads: its rows stand together where all lanes have T time steps.
fn last_step(run: &GpuRun<'_>) -> u32 {
    ((run.windows.time - 1) * run.windows.lanes * run.plan.head.input) as u32
}

/// Copies elements within the arena; from nowhere: zeros.
fn copy(recorder: &mut Recorder, run: &GpuRun<'_>, from: Option<u32>, to: u32, elements: usize) -> Result<()> {
    let arguments = Copy { from_at: from.unwrap_or(0), to_at: to, elements: elements as u32, zero: u32::from(from.is_none()) };
    recorder.dispatch(KernelId::Copy, vec![run.prepared.arena_slice()], bytemuck::bytes_of(&arguments), groups(elements))
}

/// Each lane's last row of rows that the head reads, where lanes end apart; or back from their gradients to those of all rows.
fn last_rows(recorder: &mut Recorder, run: &GpuRun<'_>, [rows_at, last_at]: [u32; 2], back: bool) -> Result<()> {
    let width = run.plan.head.input;
    let elements = width * run.windows.lanes * if back { run.windows.time } else { 1 };
    let arguments = LastRows {
        rows_at,
        last_at,
        elements: elements as u32,
        width: width as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
        back: u32::from(back),
    };
    let slices = vec![run.prepared.arena_slice(), run.prepared.plan_slice()];
    recorder.dispatch(KernelId::Lanes(LanesKernel::LastRows), slices, bytemuck::bytes_of(&arguments), groups(elements))
}

/// Where the rows stand that the head reads.
fn input(recorder: &mut Recorder, run: &GpuRun<'_>, rows: LogitRows) -> Result<u32> {
    let layout = &run.prepared.layout;
    let x = layout.input_of(run.plan.layers.len());
    match (rows, &run.windows.lengths) {
        (LogitRows::EveryStep, _) => Ok(x),
        (LogitRows::LastStep, None) => Ok(x + last_step(run)),
        (LogitRows::LastStep, Some(_)) => last_rows(recorder, run, [x, layout.last_rows], false).map(|()| layout.last_rows),
    }
}

/// Logits of those rows, zero past a lane's end.
fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, rows: LogitRows) -> Result<()> {
    let (space, head, count) = (&run.prepared, &run.plan.head, count_of(run, rows));
    let x = input(recorder, run, rows)?;
    match &head.weights {
        None => copy(recorder, run, Some(x), space.layout.logits, count * head.size)?,
        Some((weight, bias)) => {
            let operands = Operands {
                a: (space.arena_slice(), x),
                b: (run.parameters.slice(), weight.start as u32),
                bias: Some((run.parameters.slice(), bias.start as u32)),
                c: (space.arena_slice(), space.layout.logits),
            };
            product(recorder, ProductKind::Affine, [count, head.size, head.input], operands, 0)?;
        }
    }
    if run.windows.lengths.is_none() {
        return Ok(());
    }
    // A lane's last row lies past its end only if it has none at all, just as its row of time step 0.
    let elements = count * head.size;
    let arguments = EndedRows {
        at: space.layout.logits,
        elements: elements as u32,
        width: head.size as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
    };
    let slices = vec![space.arena_slice(), space.plan_slice()];
    recorder.dispatch(KernelId::Lanes(LanesKernel::EndedRows), slices, bytemuck::bytes_of(&arguments), groups(elements))
}

/// Head, loss, and in training the gradient of the head's input.
pub fn head_and_loss(recorder: &mut Recorder, run: &mut GpuRun<'_>, k: usize) -> Result<()> {
    let (lanes, size) = (run.windows.lanes, run.plan.head.size);
    let rows = count_of(run, predicted(run));
    let count = run.windows.count(run.plan, &run.data.extent, k);
    forward(recorder, run, predicted(run))?;
    let layout = &run.prepared.layout;
    if run.prepared.shape.taps {
        copy(recorder, run, Some(layout.logits), layout.kept_logits, rows * size)?;
    }
    let scale = run.plan.spec.loss.row_scale(count, lanes, size) as f32;
    losses(recorder, run, rows, scale)?;
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
        backward(recorder, run)?;
    }
    run.prepared.counts.push(count as u64);
    Ok(())
}

fn logits(run: &GpuRun<'_>, rows: usize) -> Slice {
    Slice::of(&run.prepared.arena, run.prepared.layout.logits as usize, rows * run.plan.head.size)
}

/// Each row's loss, and in training the gradients of its logits.
fn losses(recorder: &mut Recorder, run: &GpuRun<'_>, rows: usize, scale: f32) -> Result<()> {
    let (space, size) = (&run.prepared, run.plan.head.size as u32);
    let targets = run.data.targets.as_ref().unwrap_or(&run.data.inputs);
    let (has_mask, mask) = (u32::from(run.data.mask.is_some()), run.data.mask.as_ref().unwrap_or(targets).slice());
    let losses = Slice::of(&space.arena, space.layout.losses as usize, 2 * rows);
    let slices = vec![logits(run, rows), losses, space.plan_slice(), targets.slice(), mask];
    let last_step = u32::from(predicted(run) == LogitRows::LastStep);
    let (starts, lengths, shift) = (plan_at(run, space.window), lengths_at(run), run.data.extent.target(0) as u32);
    let (training, lanes) = (u32::from(run.training.is_some()), run.windows.lanes as u32);
    if let LossSpec::CrossEntropy { label_smoothing, .. } = run.plan.spec.loss {
        let (rows_u32, smoothing) = (rows as u32, label_smoothing as f32);
        let arguments =
            SoftmaxLoss { rows: rows_u32, size, lanes, last_step, starts, lengths, shift, has_mask, smoothing, scale, training };
        return recorder.dispatch(KernelId::SoftmaxLoss, slices, bytemuck::bytes_of(&arguments), rows);
    }
    let arguments = SquaredLoss { rows: rows as u32, size, lanes, last_step, starts, lengths, shift, has_mask, scale, training };
    recorder.dispatch(KernelId::SquaredLoss, slices, bytemuck::bytes_of(&arguments), rows.div_ceil(THREADS))
}

/// From the gradients of the logits to that of the last layer's output; zero where the head does not look.
fn backward(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<()> {
    let layout = &run.prepared.layout;
    let Some(d_output) = layout.d_input_of(run.plan.layers.len()) else { return Ok(()) };
    match (predicted(run), &run.windows.lengths) {
        (LogitRows::EveryStep, _) => to_input(recorder, run, d_output),
        (LogitRows::LastStep, None) => {
            copy(recorder, run, None, d_output, last_step(run) as usize)?;
            to_input(recorder, run, d_output + last_step(run))
        }
        (LogitRows::LastStep, Some(_)) => {
            to_input(recorder, run, layout.d_last_rows)?;
            last_rows(recorder, run, [d_output, layout.d_last_rows], true)
        }
    }
}

/// From the gradients of the logits to those of the rows that they were made of.
fn to_input(recorder: &mut Recorder, run: &GpuRun<'_>, to: u32) -> Result<()> {
    let (space, head, rows) = (&run.prepared, &run.plan.head, count_of(run, predicted(run)));
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

/// Logits of the window that was run forward. Waits.
pub fn read_logits(recorder: &mut Recorder, run: &GpuRun<'_>, rows: LogitRows, out: &mut [f32]) -> Result<()> {
    forward(recorder, run, rows)?;
    let values = recorder.read(&run.prepared.arena, run.prepared.layout.logits as usize, out.len())?;
    out.copy_from_slice(&values);
    Ok(())
}
