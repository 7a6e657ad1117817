//! Recurrent layers: their input's products, and time step after time step; the resident form has a file of its own.

use std::ops::Range;

use rnnkit_core::backend::Backend;
use rnnkit_core::cell::CellKind;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::{Layer, Recurrent};
use rnnkit_core::window::Masks;

use super::{GpuRun, Operands, product, resident, rows};
use crate::Form;
use crate::arguments::{NOWHERE, StepBackward, StepForward};
use crate::backend::Gpu;
use crate::forms::Segment;
use crate::kernel::{KernelId, ProductKind};
use crate::layout::Entry;
use crate::recorder::{Recorder, Slice};
use crate::work::product_of;

/// Units and lanes of a workgroup of the step kernels.
const UNITS: usize = 16;
pub const LANES: usize = 16;

/// The recurrent layer at a place of the plan.
pub fn recurrent(run: &GpuRun<'_>, index: usize) -> Result<Recurrent> {
    match &run.plan.layers[index] {
        Layer::Recurrent(layer) => Ok(layer.clone()),
        _ => Err(Error::internal(format!("layer {index} is not recurrent"))),
    }
}

/// What every recurrent kernel is bound to.
pub fn slices(run: &GpuRun<'_>) -> Vec<Slice> {
    let space = &run.prepared;
    vec![space.arena_slice(), Slice::whole(&space.packed), run.parameters.slice(), space.words_slice(), Slice::whole(&space.layer_table)]
}

/// The input's pre-activations of some time steps; nothing where a table holds them.
pub fn input_forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, steps: Range<usize>) -> Result<()> {
    let layer = recurrent(run, index)?;
    let space = &run.prepared;
    let place = space.layout.places[layer.slot];
    if place.table != NOWHERE {
        return Ok(());
    }
    let lanes = run.windows.lanes;
    let (first, count, gates) = (steps.start * lanes, steps.len() * lanes, layer.cell.gates() * layer.size);
    let bias = Slice::of(&run.parameters.buffer, layer.bias_ih.start, gates);
    if layer.one_hot {
        return rows::pick(recorder, run, (layer.weight_ih, layer.input), bias, [first, count, gates], place.gates, 0);
    }
    let operands = Operands {
        a: (space.arena_slice(), space.input_of(index) + (first * layer.input) as u32),
        b: (run.parameters.slice(), layer.weight_ih.start as u32),
        bias: Some(bias),
        c: (space.arena_slice(), place.gates + (first * gates) as u32),
    };
    product(recorder, ProductKind::Affine, [count, gates, layer.input], operands, 0)
}

/// From the gradients of the input's pre-activations to those of the input rows, where there are rows and someone looks at them.
pub fn input_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, steps: Range<usize>) -> Result<()> {
    let layer = recurrent(run, index)?;
    let space = &run.prepared;
    let wanted = match space.layout.entry {
        _ if index > 0 => true,
        Entry::EmbeddingRows => true,
        Entry::RealRows => space.shape.taps,
        Entry::OneHotTable | Entry::OneHotPick | Entry::EmbeddingTable => false,
    };
    if !wanted {
        return Ok(());
    }
    let lanes = run.windows.lanes;
    let (first, count, gates) = (steps.start * lanes, steps.len() * lanes, layer.cell.gates() * layer.size);
    let operands = Operands {
        a: (space.arena_slice(), space.layout.places[layer.slot].d_input + (first * gates) as u32),
        b: (run.parameters.slice(), layer.weight_ih.start as u32),
        bias: None,
        c: (space.arena_slice(), space.d_input_of(index) + (first * layer.input) as u32),
    };
    product(recorder, ProductKind::Back, [count, layer.input, gates], operands, 0)
}

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

/// A stack of recurrent layers, with the dropout behind each.
pub struct Stack {
    cell: CellKind,
    /// Places of the recurrent layers in the plan.
    pub layers: Vec<usize>,
    /// Slot of the first.
    slot: usize,
    /// The widest layer.
    size: usize,
}

impl Stack {
    fn of(run: &GpuRun<'_>, cell: CellKind, layers: Range<usize>) -> Result<Self> {
        let layers: Vec<usize> = layers.filter(|&index| matches!(run.plan.layers[index], Layer::Recurrent(_))).collect();
        let size = layers.iter().map(|&index| run.plan.layers[index].size()).max().unwrap_or(0);
        let first = layers.first().ok_or_else(|| Error::internal("a stack without layers"))?;
        Ok(Self { cell, slot: recurrent(run, *first)?.slot, size, layers })
    }

    /// How often a diagonal multiplies at most: each layer's hidden states, and those of the layer below for all but the first.
    fn products(&self, run: &GpuRun<'_>) -> u64 {
        product_of([2 * self.layers.len() - 1, self.cell.gates(), self.size, self.size, run.windows.lanes])
    }
}

/// All layers of a segment forward over the window.
pub fn segment_forward(recorder: &mut Recorder, run: &GpuRun<'_>, segment: &Segment, form: Form) -> Result<()> {
    let time = run.windows.time;
    let (cell, layers) = match segment {
        Segment::Rows(index) => return rows::forward(recorder, run, *index, 0..time),
        Segment::Stack { cell, layers } => (*cell, layers.clone()),
    };
    let stack = Stack::of(run, cell, layers)?;
    match form {
        Form::Step => diagonal_forward(recorder, run, &stack),
        Form::Resident => resident::stack_forward(recorder, run, &stack),
    }
}

/// All layers of a segment back over the window.
pub fn segment_backward(recorder: &mut Recorder, run: &GpuRun<'_>, segment: &Segment, form: Form) -> Result<()> {
    let time = run.windows.time;
    let (cell, layers) = match segment {
        Segment::Rows(index) => return rows::backward(recorder, run, *index, 0..time),
        Segment::Stack { cell, layers } => (*cell, layers.clone()),
    };
    let stack = Stack::of(run, cell, layers)?;
    match form {
        Form::Step => diagonal_backward(recorder, run, &stack),
        Form::Resident => resident::stack_backward(recorder, run, &stack),
    }
}

fn masked(run: &GpuRun<'_>) -> u32 {
    u32::from(run.windows.masks != Masks::Off)
}

/// T + L - 1 dispatches, each with every layer that has a time step on the diagonal.
fn diagonal_forward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
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
        };
        let id = KernelId::StepForward(stack.cell);
        recorder.dispatch_3d(id, slices(run), bytemuck::bytes_of(&arguments), grid(run, stack.size, stack.layers.len()))?;
        recorder.count_products(stack.products(run))?;
    }
    Ok(())
}

/// The same back; then the gradients of what enters the first layer.
fn diagonal_backward(recorder: &mut Recorder, run: &GpuRun<'_>, stack: &Stack) -> Result<()> {
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

/// The gradient with respect to the starting carry, laid out as the carry.
pub fn read_carry_gradient(backend: &mut Gpu, run: &GpuRun<'_>) -> Result<Vec<<Gpu as Backend>::Real>> {
    let lanes = run.windows.lanes;
    let mut all = vec![0.0; run.plan.carry.len(lanes)];
    for (slot, place) in run.prepared.layout.places.iter().enumerate() {
        let states = [
            (Some(run.plan.carry.hidden(slot, lanes)), place.d_carry_hidden),
            (run.plan.carry.cell_state(slot, lanes), place.d_carry_cell),
        ];
        for (range, at) in states {
            let Some(range) = range else { continue };
            let values = backend.recorder.read(&run.prepared.arena, at as usize, range.len())?;
            all[range].copy_from_slice(&values);
        }
    }
    Ok(all)
}
