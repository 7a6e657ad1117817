//! What has no memory in time: gathering the input, masks, dense layers, dropout.

use std::ops::Range;

use super::products::{add_outer, add_rows, add_to_columns, affine, back, pick_columns};
use super::workspace::Workspace;
use crate::backend::Run;
use crate::error::Result;
use crate::math::Scalar;
use crate::plan::{Dense, Layer};
use crate::rng::{Key, Stream, keeps, threshold};
use crate::spec::Activation;
use crate::window::Masks;

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// Inputs and starting carry of window k.
pub fn gather<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) -> Result<()> {
    let n = run.windows.lanes;
    let space = &mut *run.prepared;
    for (lane, &start) in run.windows.starts_of(k).iter().enumerate() {
        for t in 0..run.windows.time {
            let (row, position) = (t * n + lane, start as usize + t);
            if run.plan.spec.input.vocabulary().is_some() {
                space.ids[row] = run.data.inputs.id(position)?;
            } else {
                let width = run.plan.spec.input.width();
                space.input[row * width..(row + 1) * width].copy_from_slice(run.data.inputs.row(position)?);
            }
        }
    }
    if let Some(table) = &run.plan.embedding {
        let (table, width) = (&run.parameters[table.clone()], run.plan.spec.input.width());
        for (row, &id) in space.ids[..n * run.windows.time].iter().enumerate() {
            let id = id as usize;
            space.input[row * width..(row + 1) * width].copy_from_slice(&table[id * width..(id + 1) * width]);
        }
    }
    starting_carry(run, k);
    Ok(())
}

fn starting_carry<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) {
    let n = run.windows.lanes;
    for (layer, space) in run.plan.layers.iter().zip(&mut run.prepared.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let states = [Some(run.plan.carry.hidden(layer.slot, n)), run.plan.carry.cell_state(layer.slot, n)];
        for (state, start) in states.into_iter().zip(&mut space.start) {
            let Some(state) = state else { continue };
            start.copy_from_slice(&run.carry[state]);
            for (lane, _) in run.windows.resets_of(k).iter().enumerate().filter(|(_, reset)| **reset) {
                start[lane * layer.size..(lane + 1) * layer.size].fill(R::default());
            }
        }
    }
}

/// Dropout factors of window k: 0, or 1/(1 - rate).
pub fn masks<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) -> Result<()> {
    for (layer, space) in run.plan.layers.iter().zip(&mut run.prepared.layers) {
        let Layer::Dropout(layer) = layer else { continue };
        let elements = run.windows.time * run.windows.lanes * layer.size;
        let scale = R::from_f64(1.0 / (1.0 - layer.rate));
        let factor = |kept: bool| if kept { scale } else { R::default() };
        let factors = &mut space.factors[..elements];
        match &run.windows.masks {
            Masks::Off => factors.fill(R::splat(1.0)),
            Masks::Given(sites) => {
                for (out, &kept) in factors.iter_mut().zip(&sites[layer.site]) {
                    *out = factor(kept);
                }
            }
            Masks::Drawn { seed } => {
                let step = run.windows.first_step + k as u64;
                let key = Key::stream(*seed, Stream::Dropout, step as u32).child(layer.site as u32);
                for (element, out) in factors.iter_mut().enumerate() {
                    *out = factor(keeps(key, element as u64, threshold(layer.rate)));
                }
            }
        }
    }
    Ok(())
}

/// A dense or dropout layer on a range of time steps.
pub fn forward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, steps: Range<usize>) -> Result<()> {
    let rows = steps.start * run.windows.lanes..steps.end * run.windows.lanes;
    let space = &mut *run.prepared;
    let size = run.plan.layers[index].size();
    let here = rows.start * size..rows.end * size;
    let mut out = vec![R::default(); here.len()];
    match &run.plan.layers[index] {
        Layer::Dense(layer) => {
            let (w, b) = (&run.parameters[layer.weight.clone()], &run.parameters[layer.bias.clone()]);
            if layer.one_hot {
                pick_columns(&mut out, &space.ids[rows], w, b);
            } else {
                affine(&mut out, &space.input_of(index)[rows.start * layer.input..rows.end * layer.input], w, b);
            }
            out.iter_mut().for_each(|y| *y = activate(layer.activation, *y));
        }
        Layer::Dropout(_) => {
            let (x, factors) = (&space.input_of(index)[here.clone()], &space.layers[index].factors[here.clone()]);
            for (out, (&x, &factor)) in out.iter_mut().zip(x.iter().zip(factors)) {
                *out = x * factor;
            }
        }
        Layer::Recurrent(_) => {}
    }
    space.layers[index].output[here].copy_from_slice(&out);
    Ok(())
}

/// The same back.
pub fn backward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, steps: Range<usize>) -> Result<()> {
    let rows = steps.start * run.windows.lanes..steps.end * run.windows.lanes;
    let size = run.plan.layers[index].size();
    let here = rows.start * size..rows.end * size;
    match &run.plan.layers[index] {
        Layer::Dense(layer) => {
            let space = &mut run.prepared.layers[index];
            for at in here.clone() {
                space.d_pre_input[at] = activation_gradient(layer.activation, space.output[at], space.d_output[at]);
            }
            if !layer.one_hot {
                let d_pre = space.d_pre_input[here].to_vec();
                let dx = &mut run.prepared.d_input_of(index)[rows.start * layer.input..rows.end * layer.input];
                back(dx, &d_pre, &run.parameters[layer.weight.clone()], layer.size);
            }
        }
        Layer::Dropout(_) => {
            let space = &run.prepared.layers[index];
            let dx: Vec<R> = here.clone().map(|at| space.d_output[at] * space.factors[at]).collect();
            run.prepared.d_input_of(index)[here].copy_from_slice(&dx);
        }
        Layer::Recurrent(_) => {}
    }
    Ok(())
}

/// Gradients of a dense layer's weights.
pub fn dense_gradients<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, layer: &Dense) {
    let Some(training) = &mut run.training else { return };
    let rows = run.windows.time * run.windows.lanes;
    let d_pre = &run.prepared.layers[index].d_pre_input[..rows * layer.size];
    let d = &mut *training.gradients;
    d[layer.weight.clone()].fill(R::default());
    d[layer.bias.clone()].fill(R::default());
    if layer.one_hot {
        add_to_columns(&mut d[layer.weight.clone()], d_pre, &run.prepared.ids[..rows], layer.size);
    } else {
        add_outer(&mut d[layer.weight.clone()], d_pre, &run.prepared.input_of(index)[..rows * layer.input], layer.size);
    }
    add_rows(&mut d[layer.bias.clone()], d_pre);
}

/// Gradient of the embedding table: the sum over equal symbols.
pub fn embedding_gradients<R: Scalar>(run: &mut HostRun<'_, R>) {
    let (Some(training), Some(table)) = (&mut run.training, &run.plan.embedding) else { return };
    let (rows, width) = (run.windows.time * run.windows.lanes, run.plan.spec.input.width());
    let d = &mut training.gradients[table.clone()];
    d.fill(R::default());
    for (dx, &id) in run.prepared.d_input[..rows * width].chunks_exact(width).zip(&run.prepared.ids) {
        for (d, &dx) in d[id as usize * width..].iter_mut().zip(dx) {
            *d += dx;
        }
    }
}

fn activate<R: Scalar>(activation: Activation, s: R) -> R {
    match activation {
        Activation::Linear => s,
        Activation::Tanh => s.tanh(),
        Activation::Relu => s.relu(),
        Activation::Sigmoid => s.sigmoid(),
    }
}

/// Gradient before the activation, from the output y and the gradient after it.
fn activation_gradient<R: Scalar>(activation: Activation, y: R, dy: R) -> R {
    let one = R::splat(1.0);
    match activation {
        Activation::Linear => dy,
        Activation::Tanh => dy * (one - y * y),
        Activation::Relu => y.where_positive(dy),
        Activation::Sigmoid => dy * y * (one - y),
    }
}
