//! What has no memory in time: dense layers and dropout.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::plan::{Dense, Dropout, Layer};
use rnnkit_core::window::Masks;

use super::{GpuRun, Operands, groups, product};
use crate::arguments::{ActivationBackward, Drop, Pick, activation_number};
use crate::kernel::{KernelId, ProductKind};
use crate::recorder::Recorder;
use crate::slice::Slice;

/// A dense or dropout layer on a range of time steps.
pub fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, steps: Range<usize>) -> Result<()> {
    let space = &run.prepared;
    let output = space.layout.layers[index].output;
    match &run.plan.layers[index] {
        Layer::Dense(layer) => dense_forward(recorder, run, index, layer, steps, output),
        Layer::Dropout(layer) => drop(recorder, run, index, layer, steps, space.input_of(index), output),
        Layer::Recurrent(_) => Ok(()),
    }
}

/// The same back: from the gradient of its output to that of its input.
pub fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, steps: Range<usize>) -> Result<()> {
    let space = &run.prepared;
    let d_output = space.layout.layers[index].d_output;
    match &run.plan.layers[index] {
        Layer::Dense(layer) => dense_backward(recorder, run, index, layer, steps, d_output),
        Layer::Dropout(layer) => drop(recorder, run, index, layer, steps, d_output, space.d_input_of(index)),
        Layer::Recurrent(_) => Ok(()),
    }
}

fn dense_forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, layer: &Dense, steps: Range<usize>, output: u32) -> Result<()> {
    let space = &run.prepared;
    let lanes = run.windows.lanes;
    let (first, rows) = (steps.start * lanes, steps.len() * lanes);
    let bias = Slice::of(&run.parameters.buffer, layer.bias.start, layer.size);
    let activation = activation_number(layer.activation);
    if layer.one_hot {
        return pick(recorder, run, (layer.weight.clone(), layer.input), bias, [first, rows, layer.size], output, activation);
    }
    let operands = Operands {
        a: (space.arena_slice(), space.input_of(index) + (first * layer.input) as u32),
        b: (run.parameters.slice(), layer.weight.start as u32),
        bias: Some(bias),
        c: (space.arena_slice(), output + (first * layer.size) as u32),
    };
    product(recorder, ProductKind::Affine, [rows, layer.size, layer.input], operands, activation)
}

/// Columns of weights [width, vocabulary] by the symbols of `rows` positions from `first` on.
pub fn pick(
    recorder: &mut Recorder,
    run: &GpuRun<'_>,
    (weights, vocabulary): (Range<usize>, usize),
    bias: Slice,
    [first, rows, width]: [usize; 3],
    output: u32,
    activation: u32,
) -> Result<()> {
    let space = &run.prepared;
    let arguments = Pick { rows: rows as u32, width: width as u32, vocabulary: vocabulary as u32, first: first as u32, activation };
    let positions = space.shape.lanes * space.shape.time;
    let slices = vec![
        Slice::of(&run.parameters.buffer, weights.start, weights.len()),
        bias,
        space.words_slice(),
        Slice::of(&space.arena, output as usize, positions * width),
    ];
    recorder.dispatch(KernelId::Pick, slices, bytemuck::bytes_of(&arguments), groups(rows * width))
}

fn dense_backward(
    recorder: &mut Recorder,
    run: &GpuRun<'_>,
    index: usize,
    layer: &Dense,
    steps: Range<usize>,
    d_output: u32,
) -> Result<()> {
    let space = &run.prepared;
    let lanes = run.windows.lanes;
    let (first, rows) = (steps.start * lanes, steps.len() * lanes);
    let activation = activation_number(layer.activation);
    if activation != 0 {
        let elements = rows * layer.size;
        let whole = |at: u32| Slice::of(&space.arena, at as usize, space.shape.lanes * space.shape.time * layer.size);
        let arguments = ActivationBackward { first: (first * layer.size) as u32, elements: elements as u32, activation };
        let slices = vec![whole(space.layout.layers[index].output), whole(d_output)];
        recorder.dispatch(KernelId::ActivationBackward, slices, bytemuck::bytes_of(&arguments), groups(elements))?;
    }
    if layer.one_hot {
        return Ok(());
    }
    let operands = Operands {
        a: (space.arena_slice(), d_output + (first * layer.size) as u32),
        b: (run.parameters.slice(), layer.weight.start as u32),
        bias: None,
        c: (space.arena_slice(), space.d_input_of(index) + (first * layer.input) as u32),
    };
    product(recorder, ProductKind::Back, [rows, layer.input, layer.size], operands, 0)
}

fn drop(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, layer: &Dropout, steps: Range<usize>, from: u32, to: u32) -> Result<()> {
    let space = &run.prepared;
    let lanes = run.windows.lanes;
    let elements = steps.len() * lanes * layer.size;
    let arguments = Drop {
        first: (steps.start * lanes * layer.size) as u32,
        from_at: from,
        to_at: to,
        elements: elements as u32,
        mask: space.layout.layers[index].mask.0,
        keep_factor: (1.0 / (1.0 - layer.rate)) as f32,
        masked: u32::from(run.windows.masks != Masks::Off),
    };
    let slices = vec![space.words_slice(), space.arena_slice()];
    recorder.dispatch(KernelId::Dropout, slices, bytemuck::bytes_of(&arguments), groups(elements))
}
