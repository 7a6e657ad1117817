//! [`Recurrence`]: a recurrent layer on one lane tile, and the state of one time step, for all units or for some.
//!
//! Products add to their starting values in the order of k, so it does not matter for the bits whether the input product is taken for
//! all time steps at once or for one, nor which units are made together.

use std::ops::Range;

use rnnkit_core::cell::Cell;
use rnnkit_core::plan::Recurrent;

use super::cells::{Backward, Forward, GateColumns};
use super::dropout::Multiply;
use super::rows::{apply, apply_back};
use crate::matrix::{Matrix, MatrixMut};
use crate::product::{Start, Turn};
use crate::simd::Isa;
use crate::weights::{GateMaps, LayerWeights};
use crate::workspace::{LaneTile, LayerSpace};

/// The input's part of the pre-activations of some time steps.
pub fn input_forward(tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, steps: Range<usize>) {
    let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
    let rows = steps.start * n..steps.end * n;
    let (space, input, _, ids) = tile.layer(index);
    apply(&weights.input, input, ids, rows.clone(), &mut space.gates[rows.start * width..rows.end * width]);
}

/// From the gradients of the input pre-activations of some time steps to those of the layer's input.
pub fn input_backward(tile: &mut LaneTile, index: usize, layer: &Recurrent, weights: &LayerWeights, steps: Range<usize>) {
    let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
    let rows = steps.start * n..steps.end * n;
    let (space, _, d_input, _) = tile.layer(index);
    apply_back(&weights.input, &space.gates[rows.start * width..rows.end * width], d_input, rows);
}

/// The buffers of a recurrent layer on a tile of n lanes, as matrices of which several threads may take units of their own at a time.
///
/// The steps are `unsafe`: steps follow one another (forward t after t - 1, back t after t + 1), and calls that run at once are of the same
/// step and of different units; with dropout of h, one call has all units.
pub struct Recurrence<'a> {
    isa: Isa,
    n: usize,
    size: usize,
    time: usize,
    /// [T·n, G*H].
    gates: MatrixMut<'a>,
    kept_gates: MatrixMut<'a>,
    d_hidden: MatrixMut<'a>,
    /// [n, G*H].
    hidden: MatrixMut<'a>,
    /// [T·n, H].
    output: MatrixMut<'a>,
    cell_state: MatrixMut<'a>,
    kept: MatrixMut<'a>,
    d_state: MatrixMut<'a>,
    d_output: Matrix<'a>,
    /// [n, H].
    d_carry: [MatrixMut<'a>; 2],
    start: [&'a [f32]; 2],
    /// h with its dropout, [T·n, copies*H], and its gradient at one time step, [n, copies*H]; [copies, n, H] factors.
    entering: [MatrixMut<'a>; 2],
    factors: &'a [f32],
    /// Lengths of the lanes, where some are shorter than the window.
    ends: Option<&'a [usize]>,
    /// Among the tiles that the same units of the weights meet in turn.
    turn: Turn,
}

/// A buffer as rows of `columns` values; none of an empty one.
fn rows_of(buffer: &mut [f32], columns: usize) -> MatrixMut<'_> {
    let rows = buffer.len().checked_div(columns).unwrap_or(0);
    MatrixMut::new(buffer, rows, columns)
}

impl<'a> Recurrence<'a> {
    /// That of layer `index` of the plan, over `time` steps.
    pub fn new(isa: Isa, tile: &'a mut LaneTile, index: usize, layer: &Recurrent, time: usize, turn: Turn) -> Self {
        let (n, size, width) = (tile.n(), layer.size, layer.cell.gates() * layer.size);
        let LaneTile { layers, factors, lengths, uneven, .. } = tile;
        let space = &mut layers[index];
        let LayerSpace { entering: [masked, d_masked], start: [h, c], d_carry: [d_h, d_c], .. } = space;
        let copied = masked.len() / space.output.len() * size;
        Self {
            isa,
            n,
            size,
            time,
            gates: rows_of(&mut space.gates, width),
            kept_gates: rows_of(&mut space.kept_gates, width),
            d_hidden: rows_of(&mut space.d_hidden, width),
            hidden: rows_of(&mut space.hidden, width),
            output: rows_of(&mut space.output, size),
            cell_state: rows_of(&mut space.cell_state, size),
            kept: rows_of(&mut space.kept, size),
            d_state: rows_of(&mut space.d_state, size),
            d_output: Matrix::new(&space.d_output, space.d_output.len() / size, size),
            d_carry: [rows_of(d_h, size), rows_of(d_c, size)],
            start: [h, c],
            entering: [rows_of(masked, copied), rows_of(d_masked, copied)],
            factors: layer.hidden_dropout.map_or(&[], |site| &factors[site]),
            ends: uneven.then_some(lengths),
            turn,
        }
    }

    /// Rows of time step t.
    fn rows(&self, t: usize) -> Range<usize> {
        t * self.n..(t + 1) * self.n
    }

    /// The states before time step t, [n, H]: the window's start, or step t - 1's; nothing where the cell has no such state.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    unsafe fn previous(&self, state: usize, t: usize) -> Matrix<'a> {
        let all = [&self.output, &self.cell_state][state];
        // SAFETY: nobody writes the states of step t - 1 any more.
        let values = if t == 0 || all.rows() == 0 { self.start[state] } else { unsafe { all.shared_rows(self.rows(t - 1)) } };
        Matrix::new(values, values.len() / self.size, self.size)
    }

    /// Some rows of a buffer at some units; none of an empty one.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    unsafe fn part(&self, buffer: &MatrixMut<'a>, rows: Range<usize>, units: &Range<usize>) -> MatrixMut<'a> {
        // SAFETY: the units are ours alone.
        unsafe { if buffer.rows() == 0 { buffer.shared_part(0..0, 0..0) } else { buffer.shared_part(rows, units.clone()) } }
    }

    /// The same, to read.
    ///
    /// # Safety
    /// As [`Recurrence`] says, and nobody writes those rows at all.
    unsafe fn read(&self, buffer: &MatrixMut<'a>, t: usize, units: &Range<usize>) -> Matrix<'a> {
        if buffer.rows() == 0 {
            return Matrix::new(&[], 0, units.len());
        }
        // SAFETY: the caller vouches for it.
        Matrix::new(unsafe { buffer.shared_rows(self.rows(t)) }, self.n, self.size).columns(units)
    }

    /// What enters the hidden product at time step t: h of the step before, or with its dropout, [n, copies*H], kept for the way back.
    ///
    /// # Safety
    /// As [`Recurrence`] says; with dropout, all units are ours.
    unsafe fn entering(&self, h: Matrix<'a>, t: usize) -> Matrix<'a> {
        let masked = &self.entering[0];
        if masked.rows() == 0 {
            return h;
        }
        let (size, copies) = (self.size, masked.columns() / self.size);
        // SAFETY: all units are ours.
        let mut rows = unsafe { masked.shared_part(self.rows(t), 0..masked.columns()) };
        for lane in 0..self.n {
            for (copy, out) in rows.row(lane).chunks_exact_mut(size).enumerate() {
                self.isa.dispatch(Multiply { out, a: h.row(lane), b: self.factor(copy, lane), adds: false });
            }
        }
        // SAFETY: they are written, and nobody writes them again.
        Matrix::new(unsafe { masked.shared_rows(self.rows(t)) }, self.n, copies * size)
    }

    /// The dropout factors of one copy of a lane's h.
    fn factor(&self, copy: usize, lane: usize) -> &'a [f32] {
        &self.factors[(copy * self.n + lane) * self.size..][..self.size]
    }

    /// Time step t of some units: hidden product, gates and state, after `input_forward`. States are zero in lanes that have ended.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    pub unsafe fn forward<C: Cell>(&self, cell: C, map: &GateMaps, t: usize, units: &Range<usize>) {
        // SAFETY: as for this function, for all calls below: the units of step t are ours, the step before is done.
        unsafe {
            let (rows, h_previous) = (self.rows(t), self.previous(0, t));
            let (out, out_rows) = if C::SPLIT { (&self.hidden, 0..self.n) } else { (&self.gates, rows.clone()) };
            let x = self.entering(h_previous, t);
            if t == 0 && is_zero(h_previous) {
                map.add_nothing(out, out_rows, units, C::SPLIT);
            } else {
                map.forward_units(x, out, out_rows, units, C::SPLIT, self.turn);
            }
            let (mut h, mut c) = (self.part(&self.output, rows.clone(), units), self.part(&self.cell_state, rows.clone(), units));
            self.isa.dispatch(Forward {
                cell,
                gates: GateColumns::of(&self.gates, rows.start, self.size, units),
                hidden: GateColumns::of(&self.hidden, 0, self.size, units),
                h_previous: h_previous.columns(units),
                c_previous: self.previous(1, t).columns(units),
                h: h.all(),
                c: c.all(),
                kept: self.part(&self.kept, rows, units),
            });
            self.clear_ended(t, &mut h, &mut c);
            self.keep_gates::<C>(t, units);
        }
    }

    /// Keeps the gates for a tap.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    unsafe fn keep_gates<C: Cell>(&self, t: usize, units: &Range<usize>) {
        if self.kept_gates.rows() == 0 {
            return;
        }
        // SAFETY: our units.
        let [mut gates, mut kept] =
            [&self.gates, &self.kept_gates].map(|buffer| unsafe { GateColumns::of(buffer, t * self.n, self.size, units) });
        for lane in 0..self.n {
            let (mut to, mut from) = (kept.row::<C>(lane), gates.row::<C>(lane));
            (0..C::GATES).for_each(|gate| to.gate(gate).copy_from_slice(from.gate(gate)));
        }
    }

    /// Zeros for the states of lanes that have ended before step t.
    fn clear_ended(&self, t: usize, h: &mut MatrixMut, c: &mut MatrixMut) {
        let Some(ends) = self.ends else { return };
        for lane in (0..self.n).filter(|&lane| t >= ends[lane]) {
            h.row(lane).fill(0.0);
            if c.rows() > 0 {
                c.row(lane).fill(0.0);
            }
        }
    }

    /// Time step t back of some units: what comes from step t + 1 by way of the hidden product, then gates and state.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    pub unsafe fn backward<C: Cell>(&self, cell: C, map: &GateMaps, t: usize, units: &Range<usize>) {
        // SAFETY: as for this function, for all calls below: the units of step t are ours, step t + 1 is done.
        unsafe {
            let rows = self.rows(t);
            if t + 1 == self.time {
                self.d_carry.iter().for_each(|carry| self.part(carry, 0..self.n, units).clear());
            } else {
                self.hidden_backward(cell, map, t + 1, units);
            }
            let d_output =
                Matrix::new(&self.d_output.values[rows.start * self.size..rows.end * self.size], self.n, self.size).columns(units);
            let mut d_h = self.part(&self.d_carry[0], 0..self.n, units);
            self.show_gradient(t, units, d_output, &mut d_h);
            self.isa.dispatch(Backward {
                cell,
                gates: GateColumns::of(&self.gates, rows.start, self.size, units),
                d_hidden: GateColumns::of(&self.d_hidden, rows.start, self.size, units),
                d_output,
                d_h,
                d_c: self.part(&self.d_carry[1], 0..self.n, units),
                h: self.read(&self.output, t, units),
                h_previous: self.previous(0, t).columns(units),
                c_previous: self.previous(1, t).columns(units),
                kept: self.read(&self.kept, t, units),
            });
        }
    }

    /// Adds to the gradient of h before time step t, at some units, what comes from the step's pre-activations. For the window's first step
    /// only a tap asks for it.
    ///
    /// # Safety
    /// As [`Recurrence`] says, after step t.
    pub unsafe fn hidden_backward<C: Cell>(&self, _: C, map: &GateMaps, t: usize, units: &Range<usize>) {
        let d = if C::SPLIT { &self.d_hidden } else { &self.gates };
        // SAFETY: the gradients of step t are written, and our units of the carry are ours.
        let (d, mut d_h) =
            unsafe { (Matrix::new(d.shared_rows(self.rows(t)), self.n, d.columns()), self.part(&self.d_carry[0], 0..self.n, units)) };
        let masked = &self.entering[1];
        if masked.rows() == 0 {
            return map.back_units(d, d_h, units, Start::Current, self.turn);
        }
        assert_eq!(units.len(), self.size, "with dropout of h, all units at once");
        // SAFETY: with dropout, all units are ours.
        let mut masked = unsafe { masked.shared_part(0..self.n, 0..masked.columns()) };
        map.back_units(d, masked.all(), units, Start::Zero, self.turn);
        for lane in 0..self.n {
            for (copy, a) in masked.row(lane).chunks_exact(self.size).enumerate() {
                self.isa.dispatch(Multiply { out: d_h.row(lane), a, b: self.factor(copy, lane), adds: true });
            }
        }
    }

    /// Whether taps will be asked for.
    pub fn is_tapped(&self) -> bool {
        self.d_state.rows() > 0
    }

    /// Keeps the whole gradient of h for a tap.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    unsafe fn show_gradient(&self, t: usize, units: &Range<usize>, above: Matrix, after: &mut MatrixMut) {
        if !self.is_tapped() {
            return;
        }
        // SAFETY: our units.
        let mut shown = unsafe { self.part(&self.d_state, self.rows(t), units) };
        for lane in 0..self.n {
            let sums = above.row(lane).iter().zip(after.row(lane)).map(|(above, after)| above + *after);
            shown.row(lane).iter_mut().zip(sums).for_each(|(shown, sum)| *shown = sum);
        }
    }
}

/// Whether a window starts from nothing, which adds nothing to what it is multiplied for.
pub fn is_zero(h: Matrix) -> bool {
    h.values.iter().all(|&x| x == 0.0)
}
