//! A recurrent layer whose hidden state is dropped on its way into the product with `weight_hh`: a form of its own.
//!
//! Each time step writes the copies of h that enter, masked, beside h, since the gradients of `weight_hh` are products with just these;
//! then come the products over them, one for all gates or one for each, and the cells. Three kinds of dispatch a time step instead of the
//! step form's one, but no kernel besides the cells' that such a layer has alone: a mask for each gate has no place in the sums of
//! the other forms, which multiply one h with all gates.

use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::Recurrent;

use super::super::dropout::{Way, drop};
use super::super::{GpuRun, groups, lengths_at};
use super::gates::GateMap;
use super::{input_backward, input_forward, recurrent, slices};
use crate::arguments::{UnitBackward, UnitForward};
use crate::kernel::KernelId;
use crate::layout::HiddenDropout;
use crate::recorder::Recorder;

/// The layer's dropout: its site, and where its values lie.
fn dropout_of(run: &GpuRun<'_>, layer: &Recurrent) -> Result<(usize, HiddenDropout)> {
    let missing = || Error::internal("a layer without dropout of its hidden state");
    let place = run.prepared.layout.hidden_dropout[layer.slot].ok_or_else(missing)?;
    Ok((layer.hidden_dropout.ok_or_else(missing)?, place))
}

/// Time step t, the input's pre-activations being there.
pub fn step_forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    let layer = recurrent(run, index)?;
    let (site, dropout) = dropout_of(run, &layer)?;
    let (lanes, map) = (run.windows.lanes, GateMap::of_hidden(run.plan, &layer));
    let hidden = run.prepared.layout.places[layer.slot].hidden + (t * lanes * layer.size) as u32;
    let entering = dropout.entering + (t * lanes * map.entering()) as u32;
    drop(recorder, run, site, lanes, [hidden, entering], Way::Forward)?;
    map.forward(recorder, run, lanes, [entering, dropout.pre_hidden])?;
    let arguments = UnitForward {
        layer: layer.slot as u32,
        time_step: t as u32,
        lanes: lanes as u32,
        lengths: lengths_at(run),
        pre_hidden: dropout.pre_hidden,
    };
    let id = KernelId::UnitForward(layer.cell);
    recorder.dispatch(id, slices(run), bytemuck::bytes_of(&arguments), groups(lanes * layer.size))
}

/// Time step t back, its input's gradients left out. What it leaves for the step before is the whole gradient of h.
pub fn step_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    let layer = recurrent(run, index)?;
    let (site, dropout) = dropout_of(run, &layer)?;
    let (lanes, map) = (run.windows.lanes, GateMap::of_hidden(run.plan, &layer));
    let arguments = UnitBackward { layer: layer.slot as u32, time_step: t as u32, time: run.windows.time as u32, lanes: lanes as u32 };
    let id = KernelId::UnitBackward(layer.cell);
    recorder.dispatch(id, slices(run), bytemuck::bytes_of(&arguments), groups(lanes * layer.size))?;
    let place = run.prepared.layout.places[layer.slot];
    let d_hidden = place.d_hidden + (t * lanes * layer.cell.gates() * layer.size) as u32;
    map.back(recorder, run, lanes, [d_hidden, dropout.d_entering])?;
    drop(recorder, run, site, lanes, [dropout.d_entering, place.d_carry_hidden], Way::BackAdded)
}

/// The layer forward over the window.
pub fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize) -> Result<()> {
    input_forward(recorder, run, index, 0..run.windows.time)?;
    for t in 0..run.windows.time {
        run.check_abort()?;
        step_forward(recorder, run, index, t)?;
    }
    Ok(())
}

/// The same back; then the gradients of what enters it.
pub fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize) -> Result<()> {
    for t in (0..run.windows.time).rev() {
        run.check_abort()?;
        step_backward(recorder, run, index, t)?;
    }
    input_backward(recorder, run, index, 0..run.windows.time)
}
