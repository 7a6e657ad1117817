//! Recurrent layers: what their forms share. Each form has a file of its own.

pub mod dropped;
mod gates;
pub mod resident;
pub mod step;

use std::ops::Range;

use rnnkit_core::cell::CellKind;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::plan::{Layer, Recurrent};

use self::gates::GateMap;
use super::{GpuRun, rows};
use crate::arguments::NOWHERE;
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
    vec![
        space.arena_slice(),
        Slice::whole(&space.packed),
        run.parameters.slice(),
        space.words_slice(),
        Slice::whole(&space.layer_table),
        space.plan_slice(),
    ]
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
    if layer.one_hot {
        let bias = Slice::of(&run.parameters.buffer, layer.bias_ih.start, gates);
        return rows::pick(recorder, run, (layer.weight_ih, layer.input), bias, [first, count, gates], place.gates, 0);
    }
    let map = GateMap::of_input(&layer);
    let from = space.layout.input_of(index) + (first * map.entering()) as u32;
    map.forward(recorder, run, count, [from, place.gates + (first * gates) as u32])
}

/// From the gradients of the input's pre-activations to those of what the layer reads, where someone looks at them.
pub fn input_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, steps: Range<usize>) -> Result<()> {
    let layer = recurrent(run, index)?;
    let space = &run.prepared;
    let Some(d_input) = space.layout.d_input_of(index) else { return Ok(()) };
    let lanes = run.windows.lanes;
    let (first, count, gates) = (steps.start * lanes, steps.len() * lanes, layer.cell.gates() * layer.size);
    let map = GateMap::of_input(&layer);
    let from = space.layout.places[layer.slot].d_input + (first * gates) as u32;
    map.back(recorder, run, count, [from, d_input + (first * map.entering()) as u32])
}

/// Time step t of one layer, its input's pre-activations being there; dropout behind it is a stage of its own.
pub fn step_forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    match recurrent(run, index)?.hidden_dropout {
        Some(_) => dropped::step_forward(recorder, run, index, t),
        None => step::step_forward(recorder, run, index, t),
    }
}

/// Time step t of one layer back, its input's gradients left out.
pub fn step_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, t: usize) -> Result<()> {
    match recurrent(run, index)?.hidden_dropout {
        Some(_) => dropped::step_backward(recorder, run, index, t),
        None => step::step_backward(recorder, run, index, t),
    }
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
