//! What has no memory in time: gathering the input, masks, dense layers, dropout, turning and joining directions.

use std::ops::Range;

use super::products::{add_outer, add_rows, add_to_columns, affine, back, pick_columns};
use super::workspace::Workspace;
use crate::backend::Run;
use crate::error::Result;
use crate::math::Scalar;
use crate::plan::{Dense, Join, Layer, Site};
use crate::rng::{Key, Stream, keeps, threshold};
use crate::spec::Activation;
use crate::window::Masks;

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// Inputs and starting carry of window k. Past a lane's end there is no symbol, and rows are zero.
pub fn gather<R: Scalar>(run: &mut HostRun<'_, R>, k: usize) -> Result<()> {
    let (n, width) = (run.windows.lanes, run.plan.input_width());
    let space = &mut *run.prepared;
    space.input.fill(R::default());
    space.lengths = (0..n).map(|lane| run.windows.length(k, lane)).collect();
    for (lane, &start) in run.windows.starts_of(k).iter().enumerate() {
        for t in 0..run.windows.time {
            let (row, position) = (t * n + lane, start as usize + t);
            let here = row * width..(row + 1) * width;
            let holds = t < space.lengths[lane];
            let Some(vocabulary) = run.plan.spec.input.vocabulary() else {
                if holds {
                    space.input[here].copy_from_slice(run.data.inputs.row(position)?);
                }
                continue;
            };
            let id = if holds { run.data.inputs.id(position)? } else { vocabulary as u32 };
            space.ids[row] = id;
            let id = id as usize;
            match &run.plan.embedding {
                _ if id >= vocabulary => {}
                Some(table) => space.input[here].copy_from_slice(&run.parameters[table.clone()][id * width..(id + 1) * width]),
                None if run.plan.one_hot_rows => space.input[here.start + id] = R::splat(1.0),
                None => {}
            }
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
    for (index, (site, factors)) in run.plan.sites.iter().zip(&mut run.prepared.factors).enumerate() {
        let factors = &mut factors[..site.elements(run.windows.lanes, run.windows.time)];
        let factor = |kept: bool| if kept { R::from_f64(site.scale()) } else { R::default() };
        match &run.windows.masks {
            Masks::Off => factors.fill(R::splat(1.0)),
            Masks::Given(sites) => {
                for (out, &kept) in factors.iter_mut().zip(&sites[index]) {
                    *out = factor(kept);
                }
            }
            Masks::Drawn { seed } => {
                let step = run.windows.first_step + k as u64;
                let key = Key::stream(*seed, Stream::Dropout, step as u32).child(index as u32);
                for (element, out) in factors.iter_mut().enumerate() {
                    *out = factor(keeps(key, element as u64, threshold(site.rate)));
                }
            }
        }
    }
    Ok(())
}

/// A layer that is not recurrent over the window.
pub fn forward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize) {
    let (n, rows) = (run.windows.lanes, run.windows.time * run.windows.lanes);
    let space = &mut *run.prepared;
    let size = run.plan.layers[index].size();
    let mut out = vec![R::default(); rows * size];
    let x = space.input_of(index);
    match &run.plan.layers[index] {
        Layer::Dense(layer) => {
            let (w, b) = (&run.parameters[layer.weight.clone()], &run.parameters[layer.bias.clone()]);
            if layer.one_hot {
                pick_columns(&mut out, &space.ids[..rows], w, b);
            } else {
                affine(&mut out, &x[..rows * layer.input], w, b);
            }
            out.iter_mut().for_each(|y| *y = activate(layer.activation, *y));
        }
        Layer::Dropout(layer) => {
            let factors = &space.factors[layer.site];
            each_dropped(&run.plan.sites[layer.site], n, rows, |row, copy, unit, element| {
                let site = &run.plan.sites[layer.site];
                out[(row * site.copies + copy) * site.size + unit] = x[row * site.size + unit] * factors[element];
            });
        }
        Layer::BatchNorm(_) => return super::batch_norm::forward(run, index),
        Layer::Turn(_) => turned(&space.lengths, size, |to, from| out[to].copy_from_slice(&x[from])),
        Layer::Join(join) => joined(&space.lengths, join, |to, part, from| out[to].copy_from_slice(&space.layers[part].output[from])),
        Layer::Recurrent(_) => {}
    }
    space.layers[index].output[..rows * size].copy_from_slice(&out);
}

/// The same back.
pub fn backward<R: Scalar>(run: &mut HostRun<'_, R>, index: usize) {
    let (n, rows) = (run.windows.lanes, run.windows.time * run.windows.lanes);
    let size = run.plan.layers[index].size();
    let space = &mut *run.prepared;
    match &run.plan.layers[index] {
        Layer::Dense(layer) => {
            let here = &mut space.layers[index];
            for at in 0..rows * size {
                here.d_pre_input[at] = activation_gradient(layer.activation, here.output[at], here.d_output[at]);
            }
            if !layer.one_hot {
                let d_pre = here.d_pre_input[..rows * size].to_vec();
                let dx = &mut space.d_input_of(index)[..rows * layer.input];
                back(dx, &d_pre, &run.parameters[layer.weight.clone()], layer.size);
            }
        }
        Layer::Dropout(layer) => {
            let site = &run.plan.sites[layer.site];
            let (d_output, factors) = (space.layers[index].d_output.clone(), space.factors[layer.site].clone());
            let dx = &mut space.d_input_of(index)[..rows * site.size];
            dx.fill(R::default());
            each_dropped(site, n, rows, |row, copy, unit, element| {
                dx[row * site.size + unit] += d_output[(row * site.copies + copy) * site.size + unit] * factors[element];
            });
        }
        Layer::BatchNorm(_) => super::batch_norm::backward(run, index),
        Layer::Turn(_) => {
            let d_output = space.layers[index].d_output.clone();
            let lengths = space.lengths.clone();
            let dx = space.d_input_of(index);
            turned(&lengths, size, |to, from| {
                for (dx, &d) in dx[from].iter_mut().zip(&d_output[to]) {
                    *dx += d;
                }
            });
        }
        Layer::Join(join) => {
            let d_output = space.layers[index].d_output.clone();
            for part in join.parts {
                space.layers[part].d_output.fill(R::default());
            }
            let lengths = space.lengths.clone();
            joined(&lengths, join, |to, part, from| space.layers[part].d_output[from].copy_from_slice(&d_output[to]));
        }
        Layer::Recurrent(_) => {}
    }
}

/// Row, copy, unit and mask element of everything that passes a site in `rows` rows of `lanes` lanes.
fn each_dropped(site: &Site, lanes: usize, rows: usize, mut each: impl FnMut(usize, usize, usize, usize)) {
    for row in 0..rows {
        for copy in 0..site.copies {
            let first = site.element(row / lanes, row % lanes, lanes, copy);
            (0..site.size).for_each(|unit| each(row, copy, unit, first + unit));
        }
    }
}

/// For each row within its lane's length, the elements of its `size` values and of those of the row as far from the lane's end.
fn turned(lengths: &[usize], size: usize, mut each: impl FnMut(Range<usize>, Range<usize>)) {
    let of = |t: usize, lane: usize| (t * lengths.len() + lane) * size..(t * lengths.len() + lane + 1) * size;
    for (lane, &length) in lengths.iter().enumerate() {
        (0..length).for_each(|t| each(of(t, lane), of(length - 1 - t, lane)));
    }
}

/// For each half of a joined row within its lane's length: its elements, the layer they come from, and their elements there.
fn joined(lengths: &[usize], join: &Join, mut each: impl FnMut(Range<usize>, usize, Range<usize>)) {
    let (half, n) = (join.size / 2, lengths.len());
    let [forward, reverse] = join.parts;
    for (lane, &length) in lengths.iter().enumerate() {
        for t in 0..length {
            let from = if join.turns { length - 1 - t } else { t };
            let to = (t * n + lane) * join.size;
            each(to..to + half, forward, (t * n + lane) * half..(t * n + lane + 1) * half);
            each(to + half..to + join.size, reverse, (from * n + lane) * half..(from * n + lane + 1) * half);
        }
    }
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
    let vocabulary = d.len() / width;
    for (dx, &id) in run.prepared.d_input[..rows * width].chunks_exact(width).zip(&run.prepared.ids) {
        if id as usize == vocabulary {
            continue;
        }
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
