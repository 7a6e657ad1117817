//! Recurrent layers: what their two forms share. Each form has a file of its own.

pub mod resident;
pub mod step;

use std::ops::Range;

use rnnkit_core::cell::CellKind;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::{Layer, Recurrent};
use rnnkit_core::window::Masks;

use super::{GpuRun, Operands, product, rows};
use crate::arguments::NOWHERE;
use crate::kernel::ProductKind;
use crate::layout::Entry;
use crate::recorder::Recorder;
use crate::slice::Slice;
use crate::work::product_of;

/// The recurrent layer at a place of the plan.
fn recurrent(run: &GpuRun<'_>, index: usize) -> Result<Recurrent> {
    match &run.plan.layers[index] {
        Layer::Recurrent(layer) => Ok(layer.clone()),
        _ => Err(Error::internal(format!("layer {index} is not recurrent"))),
    }
}

/// What every recurrent kernel is bound to.
fn slices(run: &GpuRun<'_>) -> Vec<Slice> {
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
    pub fn of(run: &GpuRun<'_>, cell: CellKind, layers: Range<usize>) -> Result<Self> {
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

/// Whether dropout drops in this call.
fn masked(run: &GpuRun<'_>) -> u32 {
    u32::from(run.windows.masks != Masks::Off)
}

/// The gradient with respect to the starting carry, laid out as the carry.
pub fn read_carry_gradient(recorder: &mut Recorder, run: &GpuRun<'_>) -> Result<Vec<f32>> {
    let lanes = run.windows.lanes;
    let mut all = vec![0.0; run.plan.carry.len(lanes)];
    for (slot, place) in run.prepared.layout.places.iter().enumerate() {
        let states = [
            (Some(run.plan.carry.hidden(slot, lanes)), place.d_carry_hidden),
            (run.plan.carry.cell_state(slot, lanes), place.d_carry_cell),
        ];
        for (range, at) in states {
            let Some(range) = range else { continue };
            let values = recorder.read(&run.prepared.arena, at as usize, range.len())?;
            all[range].copy_from_slice(&values);
        }
    }
    Ok(all)
}
