//! A recurrent layer in plain loops: one time step forward, one back, and its weight gradients.

use super::products::{add_outer, add_rows, add_to_columns, affine, back, pick_columns};
use super::workspace::{LayerSpace, Workspace};
use crate::backend::Run;
use crate::cell::{Cell, MAX_GATES, UnitKept};
use crate::math::Scalar;
use crate::plan::{Layer, ModelPlan, Recurrent};

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

/// One block of G*H rows, cut into its gates: [H, ·] each.
fn gate_rows(range: &std::ops::Range<usize>, gates: usize, gate: usize) -> std::ops::Range<usize> {
    let len = range.len() / gates;
    range.start + gate * len..range.start + (gate + 1) * len
}

/// `out` [n, G*H] = the affine map of rows that hold one copy for all gates, or one for each: [n, copies, ·].
fn gates_affine<R: Scalar>(out: &mut [R], x: &[R], [copies, gates]: [usize; 2], w: &[R], bias: &[R]) {
    if copies == 1 {
        return affine(out, x, w, bias);
    }
    let (size, width) = (bias.len() / gates, w.len() / bias.len());
    for (out, x) in out.chunks_exact_mut(bias.len()).zip(x.chunks_exact(copies * width)) {
        for gate in 0..gates {
            let (w, bias) = (&w[gate_rows(&(0..w.len()), gates, gate)], &bias[gate_rows(&(0..bias.len()), gates, gate)]);
            affine(&mut out[gate * size..(gate + 1) * size], &x[gate * width..(gate + 1) * width], w, bias);
        }
    }
}

/// `dx` [n, copies, ·] from `dy` [n, G*H].
fn gates_back<R: Scalar>(dx: &mut [R], dy: &[R], [copies, gates]: [usize; 2], w: &[R], p: usize) {
    if copies == 1 {
        return back(dx, dy, w, p);
    }
    let (size, width) = (p / gates, w.len() / p);
    for (dx, dy) in dx.chunks_exact_mut(copies * width).zip(dy.chunks_exact(p)) {
        for gate in 0..gates {
            let w = &w[gate_rows(&(0..w.len()), gates, gate)];
            back(&mut dx[gate * width..(gate + 1) * width], &dy[gate * size..(gate + 1) * size], w, size);
        }
    }
}

/// `dw` [G*H, ·] += `dy` [n, G*H]ᵀ · `x` [n, copies, ·].
fn gates_outer<R: Scalar>(dw: &mut [R], dy: &[R], x: &[R], [copies, gates]: [usize; 2], p: usize) {
    if copies == 1 {
        return add_outer(dw, dy, x, p);
    }
    let (size, width, all) = (p / gates, dw.len() / p, dw.len());
    for (dy, x) in dy.chunks_exact(p).zip(x.chunks_exact(copies * width)) {
        for gate in 0..gates {
            let dw = &mut dw[gate_rows(&(0..all), gates, gate)];
            add_outer(dw, &dy[gate * size..(gate + 1) * size], &x[gate * width..(gate + 1) * width], size);
        }
    }
}

/// Copies of h, one for all gates or one for each, in front of the product with `weight_hh`.
fn hidden_copies(plan: &ModelPlan, layer: &Recurrent) -> usize {
    layer.hidden_dropout.map_or(1, |site| plan.sites[site].copies)
}

/// h as it enters the product, [n, copies, H].
fn masked<R: Scalar>(plan: &ModelPlan, layer: &Recurrent, factors: &[Vec<R>], h: &[R], lanes: usize) -> Vec<R> {
    let Some(site) = layer.hidden_dropout else { return h.to_vec() };
    let (place, factors) = (&plan.sites[site], &factors[site]);
    let rows = h.chunks_exact(layer.size).enumerate();
    rows.flat_map(|(lane, h)| (0..place.copies).map(move |copy| (place.element(0, lane, lanes, copy), h)))
        .flat_map(|(first, h)| h.iter().zip(&factors[first..]).map(|(&h, &factor)| h * factor))
        .collect()
}

/// Time step t forward. States are zero in lanes that have ended.
pub fn step_forward<C: Cell, R: Scalar>(cell: C, run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent, t: usize) {
    let (n, h, g) = (run.windows.lanes, layer.size, C::GATES * layer.size);
    let w = &run.parameters;
    let space = &mut *run.prepared;
    let mut from_input = vec![R::default(); n * g];
    if layer.one_hot {
        pick_columns(&mut from_input, &space.ids[t * n..(t + 1) * n], &w[layer.weight_ih.clone()], &w[layer.bias_ih.clone()]);
    } else {
        let width = layer.copies * layer.input;
        let x = &space.input_of(index)[t * n * width..(t + 1) * n * width];
        gates_affine(&mut from_input, x, [layer.copies, C::GATES], &w[layer.weight_ih.clone()], &w[layer.bias_ih.clone()]);
    }
    let Workspace { layers, factors, lengths, .. } = space;
    let space = &mut layers[index];
    let (h_previous, c_previous) = previous(space, t, n * h);
    let (h_previous, c_previous) = (h_previous.to_vec(), c_previous.to_vec());
    let copies = hidden_copies(run.plan, layer);
    let entering = masked(run.plan, layer, factors, &h_previous, n);
    if layer.hidden_dropout.is_some() {
        space.masked[t * entering.len()..(t + 1) * entering.len()].copy_from_slice(&entering);
    }
    let mut from_hidden = vec![R::default(); n * g];
    gates_affine(&mut from_hidden, &entering, [copies, C::GATES], &w[layer.weight_hh.clone()], &w[layer.bias_hh.clone()]);
    for lane in 0..n {
        let row = lane * g..(lane + 1) * g;
        let holds = |value: R| if t < lengths[lane] { value } else { R::default() };
        for unit in 0..h {
            let at = lane * h + unit;
            let input = gates_of(&from_input[row.clone()], unit, h);
            let hidden = gates_of(&from_hidden[row.clone()], unit, h);
            let step = cell.forward(input, hidden, h_previous[at], c_previous[at]);
            let all = t * n;
            put_gates(&mut space.gates[(all + lane) * g..(all + lane + 1) * g], unit, h, step.gates);
            space.kept[all * h + at] = step.kept;
            space.output[all * h + at] = holds(step.h);
            space.cell_state[all * h + at] = holds(step.c);
        }
    }
}

/// Time step t back.
pub fn step_backward<C: Cell, R: Scalar>(cell: C, run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent, t: usize) {
    let (n, h, g) = (run.windows.lanes, layer.size, C::GATES * layer.size);
    if t + 1 == run.windows.time {
        run.prepared.layers[index].d_carry.iter_mut().for_each(|d| d.fill(R::default()));
    }
    units_backward(cell, run, index, layer, t);
    let copies = hidden_copies(run.plan, layer);
    let space = &mut *run.prepared;
    let d_hidden = space.layers[index].d_pre_hidden[t * n * g..(t + 1) * n * g].to_vec();
    let mut d_entering = vec![R::default(); n * copies * h];
    gates_back(&mut d_entering, &d_hidden, [copies, C::GATES], &run.parameters[layer.weight_hh.clone()], g);
    let site = layer.hidden_dropout.map(|site| (&run.plan.sites[site], &space.factors[site]));
    for (at, &d) in d_entering.iter().enumerate() {
        let (lane, copy, unit) = (at / (copies * h), at / h % copies, at % h);
        let factor = site.map_or(R::splat(1.0), |(site, factors)| factors[site.element(0, lane, n, copy) + unit]);
        space.layers[index].d_carry[0][lane * h + unit] += d * factor;
    }
    if !layer.one_hot {
        let d_input = space.layers[index].d_pre_input[t * n * g..(t + 1) * n * g].to_vec();
        let width = layer.copies * layer.input;
        let dx = &mut space.d_input_of(index)[t * n * width..(t + 1) * n * width];
        gates_back(dx, &d_input, [layer.copies, C::GATES], &run.parameters[layer.weight_ih.clone()], g);
    }
}

/// The cells of time step t back: gradients of the pre-activations, and of the states before apart from the hidden product.
fn units_backward<C: Cell, R: Scalar>(cell: C, run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent, t: usize) {
    let (n, h, g) = (run.windows.lanes, layer.size, C::GATES * layer.size);
    let space = &mut run.prepared.layers[index];
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
            space.d_state[here] = space.d_output[here] + space.d_carry[0][at];
            let d = cell.backward(kept, space.d_state[here], space.d_carry[1][at]);
            put_gates(&mut space.d_pre_input[row.clone()], unit, h, d.input);
            put_gates(&mut space.d_pre_hidden[row.clone()], unit, h, d.hidden);
            space.d_carry[0][at] = d.h;
            space.d_carry[1][at] = d.c;
        }
    }
}

/// Gradients of the four tensors, over all T·N rows.
pub fn weight_gradients<R: Scalar>(run: &mut HostRun<'_, R>, index: usize, layer: &Recurrent) {
    let Some(training) = &mut run.training else { return };
    let (n, h, gates) = (run.windows.lanes, layer.size, layer.cell.gates());
    let (rows, g) = (run.windows.time * n, gates * h);
    let space = &run.prepared.layers[index];
    let d = &mut *training.gradients;
    let (d_input, d_hidden) = (&space.d_pre_input[..rows * g], &space.d_pre_hidden[..rows * g]);
    for part in [&layer.weight_ih, &layer.weight_hh, &layer.bias_ih, &layer.bias_hh] {
        d[part.clone()].fill(R::default());
    }
    if layer.one_hot {
        add_to_columns(&mut d[layer.weight_ih.clone()], d_input, &run.prepared.ids[..rows], g);
    } else {
        let x = &run.prepared.input_of(index)[..rows * layer.copies * layer.input];
        gates_outer(&mut d[layer.weight_ih.clone()], d_input, x, [layer.copies, gates], g);
    }
    let dw = &mut d[layer.weight_hh.clone()];
    match layer.hidden_dropout {
        Some(_) => {
            let copies = hidden_copies(run.plan, layer);
            gates_outer(dw, d_hidden, &space.masked[..rows * copies * h], [copies, gates], g);
        }
        None => {
            add_outer(dw, &d_hidden[..n * g], &space.start[0], g);
            add_outer(dw, &d_hidden[n * g..], &space.output[..(rows - n) * h], g);
        }
    }
    add_rows(&mut d[layer.bias_ih.clone()], d_input);
    add_rows(&mut d[layer.bias_hh.clone()], d_hidden);
}

/// The states at each lane's end become the carry.
pub fn keep_carry<R: Scalar>(run: &mut HostRun<'_, R>) {
    let n = run.windows.lanes;
    for (layer, space) in run.plan.layers.iter().zip(&run.prepared.layers) {
        let Layer::Recurrent(layer) = layer else { continue };
        let carried = [Some(run.plan.carry.hidden(layer.slot, n)), run.plan.carry.cell_state(layer.slot, n)];
        let states = [(&space.output, &space.start[0]), (&space.cell_state, &space.start[1])];
        for (range, (all, start)) in carried.into_iter().zip(states) {
            let Some(range) = range else { continue };
            for (lane, carry) in run.carry[range].chunks_exact_mut(layer.size).enumerate() {
                let (from, row) = match run.prepared.lengths[lane].checked_sub(1) {
                    Some(last) => (all, last * n + lane),
                    None => (start, lane),
                };
                carry.copy_from_slice(&from[row * layer.size..(row + 1) * layer.size]);
            }
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
