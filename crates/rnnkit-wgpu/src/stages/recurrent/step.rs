//! Recurrent layers in the step form: a dispatch for each time step, of one layer or of a stack on its diagonal.

use rnnkit_core::Result;

use super::super::dropout::masked;
use super::super::lengths_at;
use super::{GpuRun, Stack, input_backward, input_forward, recurrent, slices};
use crate::arguments::{StepBackward, StepForward};
use crate::kernel::KernelId;
use crate::layout::LANES;
use crate::recorder::Recorder;

/// Units of a workgroup.
const UNITS: usize = 16;

/// Workgroups for layers of at most `size` units.
fn grid(run: &GpuRun<'_>, size: usize, layers: usize) -> [usize; 3] {
    [size.div_ceil(UNITS), run.windows.lanes.div_ceil(LANES), layers]
}

/// Time step t of one layer; dropout behind it is a stage of its own.
pub fn step_forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    let layer = recurrent(run, index)?;
    let arguments = StepForward {
        layer: layer.slot as u32,
        time_step: t as u32,
        time: run.windows.time as u32,
        lanes: run.windows.lanes as u32,
        lengths: lengths_at(run),
        ..StepForward::default()
    };
    recorder.dispatch_3d(KernelId::StepForward(layer.cell), slices(run), bytemuck::bytes_of(&arguments), grid(run, layer.size, 1))
}

/// Time step t of one layer back, its input's gradients left out.
pub fn step_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    let layer = recurrent(run, index)?;
    let arguments = StepBackward {
        layer: layer.slot as u32,
        time_step: t as u32,
        time: run.windows.time as u32,
        lanes: run.windows.lanes as u32,
        ..StepBackward::default()
    };
    let id = KernelId::StepBackward(layer.cell);
    recorder.dispatch_3d(id, slices(run), bytemuck::bytes_of(&arguments), grid(run, layer.size, 1))?;
    if t == 0 && run.prepared.shape.taps { carry_gradient(recorder, run, index) } else { Ok(()) }
}

/// The gradient of the carry the window started from, which only taps show.
pub fn carry_gradient(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize) -> Result<()> {
    let layer = recurrent(run, index)?;
    let arguments = StepBackward {
        layer: layer.slot as u32,
        time: run.windows.time as u32,
        lanes: run.windows.lanes as u32,
        carry_only: 1,
        ..StepBackward::default()
    };
    recorder.dispatch_3d(KernelId::StepBackward(layer.cell), slices(run), bytemuck::bytes_of(&arguments), grid(run, layer.size, 1))
}

/// The layers of a stack forward over the window: T + L - 1 dispatches, each with every layer that has a time step on the diagonal.
pub fn stack_forward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    let time = run.windows.time;
    input_forward(recorder, run, stack.layers[0], 0..time)?;
    for time_step in 0..time + stack.layers.len() - 1 {
        run.check_abort()?;
        let arguments = StepForward {
            layer: stack.slot as u32,
            time_step: time_step as u32,
            time: time as u32,
            lanes: run.windows.lanes as u32,
            joined: 1,
            drops: 1,
            masked: masked(run),
            lengths: lengths_at(run),
        };
        let id = KernelId::StepForward(stack.cell);
        recorder.dispatch_3d(id, slices(run), bytemuck::bytes_of(&arguments), grid(run, stack.size, stack.layers.len()))?;
        recorder.count_products(stack.products(run))?;
    }
    Ok(())
}

/// The same back; then the gradients of what enters the first layer.
pub fn stack_backward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    let time = run.windows.time;
    let last = stack.slot + stack.layers.len() - 1;
    for diagonal in 0..time + stack.layers.len() - 1 {
        run.check_abort()?;
        let arguments = StepBackward {
            layer: last as u32,
            // Before 0 for the last layers once they are done: a number beyond every time step.
            time_step: (time as u32).wrapping_sub(1 + diagonal as u32),
            time: time as u32,
            lanes: run.windows.lanes as u32,
            joined: 1,
            drops: 1,
            masked: masked(run),
            carry_only: 0,
        };
        let id = KernelId::StepBackward(stack.cell);
        recorder.dispatch_3d(id, slices(run), bytemuck::bytes_of(&arguments), grid(run, stack.size, stack.layers.len()))?;
        recorder.count_products(stack.products(run))?;
    }
    if run.prepared.shape.taps {
        for &index in &stack.layers {
            carry_gradient(recorder, run, index)?;
        }
    }
    input_backward(recorder, run, stack.layers[0], 0..time)
}
