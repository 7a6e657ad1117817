//! Recurrent layers in the resident form: a product for a layer's input, then all its time steps in one dispatch, or in few.

use std::ops::Range;

use rnnkit_core::error::{Error, Result};

use super::super::dropout::masked;
use super::super::lengths_at;
use super::step::carry_gradient;
use super::{GpuRun, Stack, input_backward, input_forward, recurrent, slices};
use crate::arguments::Resident;
use crate::kernel::KernelId;
use crate::recorder::Recorder;
use crate::resident::{ResidentShape, ResidentShapes};
use crate::work::product_of;

/// The layers of a stack forward over the window, each with the dropout behind it.
pub fn stack_forward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    for &index in &stack.layers {
        run.check_abort()?;
        input_forward(recorder, run, index, 0..run.windows.time)?;
        let shape = shapes_of(run, index)?.forward;
        for steps in pieces(recorder, run, &shape) {
            dispatch(recorder, run, index, KernelId::ResidentForward(shape), &shape, steps)?;
        }
    }
    Ok(())
}

/// The same back, the last layer first; then the gradients of what enters the first.
pub fn stack_backward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
    for &index in stack.layers.iter().rev() {
        run.check_abort()?;
        let shape = shapes_of(run, index)?.backward;
        for steps in pieces(recorder, run, &shape).rev() {
            dispatch(recorder, run, index, KernelId::ResidentBackward(shape), &shape, steps)?;
        }
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

/// The window's time steps as dispatches do them: all in one, unless that could take too long. States and gradients go from one to the
/// next by way of the arena, as they are.
fn pieces(recorder: &Recorder, run: &GpuRun<'_>, shape: &ResidentShape) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let (time, lanes) = (run.windows.time, run.windows.lanes);
    let at_once = recorder.work.time_steps(shape.weights(), lanes, lanes.div_ceil(shape.lanes));
    (0..time.div_ceil(at_once)).map(move |piece| piece * at_once..time.min((piece + 1) * at_once))
}

/// Some time steps; one workgroup for every `shape.lanes` lanes.
fn dispatch(
    recorder: &mut Recorder,
    run: &GpuRun<'_>,
    index: usize,
    id: KernelId,
    shape: &ResidentShape,
    steps: Range<usize>,
) -> Result<()> {
    run.check_abort()?;
    let lanes = run.windows.lanes;
    let arguments = Resident {
        layer: recurrent(run, index)?.slot as u32,
        begin: steps.start as u32,
        end: steps.end as u32,
        time: run.windows.time as u32,
        lanes: lanes as u32,
        masked: masked(run),
        lengths: lengths_at(run),
    };
    recorder.dispatch(id, slices(run), bytemuck::bytes_of(&arguments), lanes.div_ceil(shape.lanes))?;
    recorder.count_products(product_of([shape.weights(), lanes, steps.len()]))
}
