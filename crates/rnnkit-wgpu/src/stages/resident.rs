//! Recurrent layers in the resident form: a product for a layer's input, then all its time steps in one dispatch.

use rnnkit_core::error::{Error, Result};
use rnnkit_core::window::Masks;

use super::GpuRun;
use super::recurrent::{Stack, carry_gradient, input_backward, input_forward, recurrent, slices};
use crate::arguments::Resident;
use crate::kernel::KernelId;
use crate::recorder::Recorder;
use crate::resident::ResidentShapes;

/// The layers of a stack forward over the window, each with the dropout behind it.
pub fn stack_forward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    for &index in &stack.layers {
        run.check_abort()?;
        input_forward(recorder, run, index, 0..run.windows.time)?;
        let shape = shapes_of(run, index)?.forward;
        dispatch(recorder, run, index, KernelId::ResidentForward(shape), shape.lanes)?;
    }
    Ok(())
}

/// The same back, the last layer first; then the gradients of what enters the first.
pub fn stack_backward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    for &index in stack.layers.iter().rev() {
        run.check_abort()?;
        let shape = shapes_of(run, index)?.backward;
        dispatch(recorder, run, index, KernelId::ResidentBackward(shape), shape.lanes)?;
        if run.prepared.shape.taps {
            carry_gradient(recorder, run, index)?;
        }
        input_backward(recorder, run, index, 0..run.windows.time)?;
    }
    Ok(())
}

fn shapes_of(run: &GpuRun<'_>, index: usize) -> Result<ResidentShapes> {
    run.prepared.forms.resident(index).ok_or_else(|| Error::internal(format!("layer {index} has no resident shape")))
}

/// One workgroup for every `group_lanes` lanes.
fn dispatch(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, id: KernelId, group_lanes: usize) -> Result<()> {
    let lanes = run.windows.lanes;
    let arguments = Resident {
        layer: recurrent(run, index)?.slot as u32,
        time: run.windows.time as u32,
        lanes: lanes as u32,
        masked: u32::from(run.windows.masks != Masks::Off),
    };
    recorder.dispatch(id, slices(run), bytemuck::bytes_of(&arguments), lanes.div_ceil(group_lanes))
}
