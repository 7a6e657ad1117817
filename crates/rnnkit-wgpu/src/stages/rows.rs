//! Layers that are not recurrent, over the whole window; dense ones are done here.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::plan::{Dense, Layer};

use super::dropout::{Way, drop};
use super::{GpuRun, Operands, batch_norm, directions, groups, product};
use crate::arguments::{ActivationBackward, Pick, activation_number};
use crate::kernel::{KernelId, ProductKind};
use crate::layout::LayerSpace;
use crate::recorder::Recorder;
use crate::slice::Slice;

/// A layer that is not recurrent.
pub fn forward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize) -> Result<()> {
    let layout = &run.prepared.layout;
    let (input, output) = (layout.input_of(index), layout.layers[index].output);
    let rows = run.windows.time * run.windows.lanes;
    match &run.plan.layers[index] {
        Layer::Dense(layer) => dense_forward(recorder, run, layer, input, output),
        Layer::Dropout(layer) => drop(recorder, run, layer.site, rows, [input, output], Way::Forward),
        Layer::BatchNorm(layer) => batch_norm::forward(recorder, run, index, layer),
        Layer::Turn(layer) => directions::turn(recorder, run, layer.size, [input, output], false),
        Layer::Join(layer) => directions::join(recorder, run, index, layer, false),
        Layer::Recurrent(_) => Ok(()),
    }
}

/// The same back: from the gradient of its output to that of what it reads, where someone looks at it.
pub fn backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize) -> Result<()> {
    let layout = &run.prepared.layout;
    let (d_input, d_output) = (layout.d_input_of(index), layout.layers[index].d_output);
    let rows = run.windows.time * run.windows.lanes;
    match (&run.plan.layers[index], d_input) {
        (Layer::Dense(layer), _) => dense_backward(recorder, run, index, layer, d_input),
        (Layer::BatchNorm(layer), _) => batch_norm::backward(recorder, run, index, layer, d_input),
        (Layer::Join(layer), _) => directions::join(recorder, run, index, layer, true),
        (Layer::Dropout(layer), Some(to)) => drop(recorder, run, layer.site, rows, [d_output, to], Way::Back),
        (Layer::Turn(layer), Some(to)) => directions::turn(recorder, run, layer.size, [d_output, to], true),
        (Layer::Dropout(_) | Layer::Turn(_) | Layer::Recurrent(_), _) => Ok(()),
    }
}

fn dense_forward(recorder: &mut Recorder, run: &GpuRun<'_>, layer: &Dense, input: u32, output: u32) -> Result<()> {
    let space = &run.prepared;
    let rows = run.windows.time * run.windows.lanes;
    let activation = activation_number(layer.activation);
    if layer.one_hot {
        let bias = Slice::of(&run.parameters.buffer, layer.bias.start, layer.size);
        return pick(recorder, run, (layer.weight.clone(), layer.input), bias, [0, rows, layer.size], output, activation);
    }
    let operands = Operands {
        a: (space.arena_slice(), input),
        b: (run.parameters.slice(), layer.weight.start as u32),
        bias: Some((run.parameters.slice(), layer.bias.start as u32)),
        c: (space.arena_slice(), output),
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

fn dense_backward(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, layer: &Dense, d_input: Option<u32>) -> Result<()> {
    let space = &run.prepared;
    let rows = run.windows.time * run.windows.lanes;
    let LayerSpace { output, d_output, .. } = space.layout.layers[index];
    let activation = activation_number(layer.activation);
    if activation != 0 {
        let elements = rows * layer.size;
        let whole = |at: u32| Slice::of(&space.arena, at as usize, elements);
        let arguments = ActivationBackward { elements: elements as u32, activation };
        recorder.dispatch(
            KernelId::ActivationBackward,
            vec![whole(output), whole(d_output)],
            bytemuck::bytes_of(&arguments),
            groups(elements),
        )?;
    }
    let (Some(d_input), false) = (d_input, layer.one_hot) else { return Ok(()) };
    let operands = Operands {
        a: (space.arena_slice(), d_output),
        b: (run.parameters.slice(), layer.weight.start as u32),
        bias: None,
        c: (space.arena_slice(), d_input),
    };
    product(recorder, ProductKind::Back, [rows, layer.input, layer.size], operands, 0)
}
