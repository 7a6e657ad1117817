//! A recurrent layer in plain loops: one time step forward, one back, and its weight gradients.

use super::products::{add_outer, add_rows, add_to_columns, affine, back, pick_columns};
use super::workspace::{LayerSpace, Workspace};
use crate::backend::Run;
use crate::cell::{Cell, MAX_GATES, UnitKept};
use crate::math::Scalar;
use crate::plan::{Layer, Recurrent};

type HostRun<'a, R> = Run<'a, Vec<R>, super::HostData<R>, Workspace<R>>;

/// The states before time step t: the window's start, or step t - 1's.
fn previous<R: Scalar>(space: &LayerSpace<R>, t: usize, len: usize) -> (&[R], &[R]) {
    match t.checked_sub(1) {
        None => (&space.start[0], &space.start[1]),
        Some(before) => (&space.output[before * len..t * len], &space.cell_state[before * len..t * len]),
    }
}

/// One unit's gates out of a row [G*H].
fn gates_of<R: Scalar>(row: &[R], unit: usize, size: usize) -> [R; MAX_GATES] {
    std::array::from_fn(|gate| row.get(gate * size + unit).copied().unwrap_or_default())
}

fn put_gates<R: Scalar>(row: &mut [R], unit: usize, size: usize, gates: [R; MAX_GATES]) {
    for (block, gate) in row.chunks_exact_mut(size).zip(gates) {
        block[unit] = gate;
    }
}

/// Time step t forward.
pub fn step_forward<C: Cell, R: Scalar>(cell: C, run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent, t: usize) {
    let (n, h, g) = (run.windows.lanes, layer.size, C::GATES * layer.size);
    let w = &run.parameters;
    let space = &mut *run.prepared;
    let mut from_input = vec![R::default(); n * g];
    let rows = t * n..(t + 1) * n;
    if layer.one_hot {
        pick_columns(&mut from_input, &space.ids[rows], &w[layer.weight_ih.clone()], &w[layer.bias_ih.clone()]);
    } else {
        let x = &space.input_of(index)[rows.start * layer.input..rows.end * layer.input];
        affine(&mut from_input, x, &w[layer.weight_ih.clone()], &w[layer.bias_ih.clone()]);
    }
    let space = &mut space.layers[index];
    let (h_previous, c_previous) = previous(space, t, n * h);
    let (h_previous, c_previous) = (h_previous.to_vec(), c_previous.to_vec());
    let mut from_hidden = vec![R::default(); n * g];
    affine(&mut from_hidden, &h_previous, &w[layer.weight_hh.clone()], &w[layer.bias_hh.clone()]);
    for lane in 0..n {
        let row = lane * g..(lane + 1) * g;
        for unit in 0..h {
            let at = lane * h + unit;
            let input = gates_of(&from_input[row.clone()], unit, h);
            let hidden = gates_of(&from_hidden[row.clone()], unit, h);
            let step = cell.forward(input, hidden, h_previous[at], c_previous[at]);
            let all = t * n;
            put_gates(&mut space.gates[(all + lane) * g..(all + lane + 1) * g], unit, h, step.gates);
            space.kept[all * h + at] = step.kept;
            space.output[all * h + at] = step.h;
            space.cell_state[all * h + at] = step.c;
        }
    }
}

/// Time step t back.
pub fn step_backward<C: Cell, R: Scalar>(cell: C, run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent, t: usize) {
    let (n, h, g) = (run.windows.lanes, layer.size, C::GATES * layer.size);
    let last = t + 1 == run.windows.time;
    let space = &mut run.prepared.layers[index];
    if last {
        space.d_carry.iter_mut().for_each(|d| d.fill(R::default()));
    }
    let (h_previous, c_previous) = previous(space, t, n * h);
    let (h_previous, c_previous) = (h_previous.to_vec(), c_previous.to_vec());
    for lane in 0..n {
        let row = (t * n + lane) * g..(t * n + lane + 1) * g;
        for unit in 0..h {
            let at = lane * h + unit;
            let here = t * n * h + at;
            let kept = UnitKept {
                gates: gates_of(&space.gates[row.clone()], unit, h),
                kept: space.kept[here],
                h: space.output[here],
                h_previous: h_previous[at],
                c_previous: c_previous[at],
            };
            let d = cell.backward(kept, space.d_output[here] + space.d_carry[0][at], space.d_carry[1][at]);
            put_gates(&mut space.d_pre_input[row.clone()], unit, h, d.input);
            put_gates(&mut space.d_pre_hidden[row.clone()], unit, h, d.hidden);
            space.d_carry[0][at] = d.h;
            space.d_carry[1][at] = d.c;
        }
    }
    let rows = t * n * g..(t + 1) * n * g;
    let mut through_hidden = vec![R::default(); n * h];
    back(&mut through_hidden, &space.d_pre_hidden[rows.clone()], &run.parameters[layer.weight_hh.clone()], g);
    for (d, through) in space.d_carry[0].iter_mut().zip(through_hidden) {
        *d += through;
    }
    if !layer.one_hot {
        let d_pre = space.d_pre_input[rows].to_vec();
        let dx = &mut run.prepared.d_input_of(index)[t * n * layer.input..(t + 1) * n * layer.input];
        back(dx, &d_pre, &run.parameters[layer.weight_ih.clone()], g);
    }
}

/// Gradients of the four tensors, over all T·N rows.
pub fn weight_gradients<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent) {
    let Some(training) = &mut run.training else { return };
    let (n, h, g) = (run.windows.lanes, layer.size, layer.cell.gates() * layer.size);
    let rows = run.windows.time * n;
    let space = &run.prepared.layers[index];
    let d = &mut *training.gradients;
    let (d_input, d_hidden) = (&space.d_pre_input[..rows * g], &space.d_pre_hidden[..rows * g]);
    for part in [&layer.weight_ih, &layer.weight_hh, &layer.bias_ih, &layer.bias_hh] {
        d[part.clone()].fill(R::default());
    }
    if layer.one_hot {
        add_to_columns(&mut d[layer.weight_ih.clone()], d_input, &run.prepared.ids[..rows], g);
    } else {
        let x = &run.prepared.input_of(index)[..rows * layer.input];
        add_outer(&mut d[layer.weight_ih.clone()], d_input, x, g);
    }
    let dw = &mut d[layer.weight_hh.clone()];
    add_outer(dw, &d_hidden[..n * g], &space.start[0], g);
    add_outer(dw, &d_hidden[n * g..], &space.output[..(rows - n) * h], g);
    add_rows(&mut d[layer.bias_ih.clone()], d_input);
    add_rows(&mut d[layer.bias_hh.clone()], d_hidden);
}

/// The states after the last time step become the carry.
pub fn keep_carry<R: Scalar>(run: &mut HostRun<'_, R>) {
    let (n, last) = (run.windows.lanes, run.windows.time - 1);
    for (layer, space) in run.plan.layers.iter().zip(&run.prepared.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let rows = last * n * layer.size..(last + 1) * n * layer.size;
        run.carry[run.plan.carry.hidden(layer.slot, n)].copy_from_slice(&space.output[rows.clone()]);
        if let Some(range) = run.plan.carry.cell_state(layer.slot, n) {
            run.carry[range].copy_from_slice(&space.cell_state[rows]);
        }
    }
}

/// The gradient with respect to the starting carry, laid out as the carry.
pub fn carry_gradient<R: Scalar>(run: &HostRun<'_, R>) -> Vec<R> {
    let n = run.windows.lanes;
    let mut all = vec![R::default(); run.plan.carry.len(n)];
    for (layer, space) in run.plan.layers.iter().zip(&run.prepared.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        all[run.plan.carry.hidden(layer.slot, n)].copy_from_slice(&space.d_carry[0]);
        if let Some(range) = run.plan.carry.cell_state(layer.slot, n) {
            all[range].copy_from_slice(&space.d_carry[1]);
        }
    }
    all
}
