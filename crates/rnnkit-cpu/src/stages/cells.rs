//! The cells on vectors: some units of all lanes of a tile, one time step, gates and state in one pass.

use std::marker::PhantomData;
use std::ops::Range;

use rnnkit_core::cell::{Cell, MAX_GATES, UnitKept};
use rnnkit_core::math::Real;

use crate::matrix::{Matrix, MatrixMut};
use crate::simd::{Kernel, LANES, Simd, Vector};

/// The same units of each gate, in some rows of [·, G*H]; or none, of a cell that has no such buffer.
pub struct GateColumns<'a> {
    all: &'a MatrixMut<'a>,
    first_row: usize,
    size: usize,
    units: Range<usize>,
}

impl<'a> GateColumns<'a> {
    /// Those `units` of each gate of H = `size` in the rows from `first_row` on.
    ///
    /// # Safety
    /// While they live, nobody else reads or writes those units of the rows that are asked for.
    #[inline(always)]
    pub unsafe fn of(all: &'a MatrixMut<'a>, first_row: usize, size: usize, units: &Range<usize>) -> Self {
        Self { all, first_row, size, units: units.clone() }
    }

    /// A lane's units of the cell's gates; nothing of an empty buffer.
    #[inline(always)]
    pub fn row<C: Cell>(&mut self, lane: usize) -> GateRow<'_, C> {
        let Self { all, first_row, size, ref units } = *self;
        if all.rows() == 0 {
            return GateRow { start: std::ptr::null_mut(), size: 0, units: 0, memory: PhantomData };
        }
        assert!(all.columns() >= C::GATES * size && units.end <= size, "units {units:?} of {} gates", C::GATES);
        GateRow { start: all.at(first_row + lane, units.start), size, units: units.len(), memory: PhantomData }
    }
}

/// A lane's units of each gate.
pub struct GateRow<'a, C> {
    start: *mut f32,
    size: usize,
    units: usize,
    memory: PhantomData<(&'a mut [f32], C)>,
}

impl<C: Cell> GateRow<'_, C> {
    /// Those from `unit` on; zeros past the units' end.
    #[inline(always)]
    fn load<S: Simd>(&self, unit: usize) -> [Vector<S>; MAX_GATES] {
        assert!(unit < self.units, "unit {unit} of {}", self.units);
        let mut gates = [Vector::splat(0.0); MAX_GATES];
        let mut gate = 0;
        while gate < C::GATES {
            // SAFETY: each gate has its units in the row, as was asserted when it was made, and whoever made the columns vouches that they are
            // ours.
            gates[gate] = unsafe { Vector::load_from(self.start.add(gate * self.size + unit), self.units - unit) };
            gate += 1;
        }
        gates
    }

    #[inline(always)]
    fn store<S: Simd>(&mut self, unit: usize, gates: [Vector<S>; MAX_GATES]) {
        assert!(unit < self.units, "unit {unit} of {}", self.units);
        let mut gate = 0;
        while gate < C::GATES {
            // SAFETY: as in `load`.
            unsafe { gates[gate].store_to(self.start.add(gate * self.size + unit), self.units - unit) };
            gate += 1;
        }
    }

    /// One gate's units.
    pub fn gate(&mut self, gate: usize) -> &mut [f32] {
        assert!(gate < C::GATES && self.units > 0, "gate {gate} of {}, {} units", C::GATES, self.units);
        // SAFETY: as in `load`.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(gate * self.size), self.units) }
    }
}

/// A row, or nothing of an empty matrix.
#[inline(always)]
fn row<'m>(matrix: &'m mut MatrixMut, lane: usize) -> &'m mut [f32] {
    if matrix.rows() == 0 { &mut [] } else { matrix.row(lane) }
}

/// One time step forward, from pre-activations to states. Everything is [n, units].
pub struct Forward<'a, C> {
    /// The cell.
    pub cell: C,
    /// Pre-activations in (of the input part, where they are apart), activated gates out.
    pub gates: GateColumns<'a>,
    /// The hidden part, where a cell wants it apart; else empty.
    pub hidden: GateColumns<'a>,
    /// h of the step before.
    pub h_previous: Matrix<'a>,
    /// c of the step before; empty without a cell state.
    pub c_previous: Matrix<'a>,
    /// h.
    pub h: MatrixMut<'a>,
    /// c, or empty.
    pub c: MatrixMut<'a>,
    /// The cell's `kept`, or empty.
    pub kept: MatrixMut<'a>,
}

/// One time step back, from the gradients of the states to those of the pre-activations. Everything is [n, units].
pub struct Backward<'a, C> {
    /// The cell.
    pub cell: C,
    /// Activated gates in, gradient of the input pre-activations out.
    pub gates: GateColumns<'a>,
    /// Gradient of the hidden pre-activations, where it differs; else empty.
    pub d_hidden: GateColumns<'a>,
    /// Gradient of h from above.
    pub d_output: Matrix<'a>,
    /// Gradient of h from the step after in, from this step to the one before out (but for the hidden product).
    pub d_h: MatrixMut<'a>,
    /// The same of c.
    pub d_c: MatrixMut<'a>,
    /// h.
    pub h: Matrix<'a>,
    /// h of the step before.
    pub h_previous: Matrix<'a>,
    /// c of the step before, or empty.
    pub c_previous: Matrix<'a>,
    /// The cell's `kept`, or empty.
    pub kept: Matrix<'a>,
}

/// The values of a row from `unit` on, or zeros if they are not wanted.
#[inline(always)]
fn load_if<S: Simd>(wanted: bool, row: &[f32], unit: usize) -> Vector<S> {
    if wanted { Vector::load(&row[unit..]) } else { Vector::splat(0.0) }
}

/// A row to read, or nothing of an empty matrix.
#[inline(always)]
fn read<'a>(matrix: &Matrix<'a>, lane: usize) -> &'a [f32] {
    if matrix.rows == 0 { &[] } else { matrix.row(lane) }
}

impl<C: Cell> Kernel for Forward<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let (mut lane, units) = (0, self.h.columns());
        while lane < self.h.rows() {
            let (mut gates, hidden) = (self.gates.row::<C>(lane), self.hidden.row::<C>(lane));
            let (h_previous, c_previous) = (read(&self.h_previous, lane), read(&self.c_previous, lane));
            let (h, c, kept) = (row(&mut self.h, lane), row(&mut self.c, lane), row(&mut self.kept, lane));
            let mut unit = 0;
            while unit < units {
                let input = gates.load::<S>(unit);
                let hidden = if C::SPLIT { hidden.load::<S>(unit) } else { [Vector::splat(0.0); MAX_GATES] };
                let c_before = load_if(C::HAS_CELL_STATE, c_previous, unit);
                let step = self.cell.forward(input, hidden, Vector::load(&h_previous[unit..]), c_before);
                gates.store::<S>(unit, step.gates);
                step.h.store(&mut h[unit..]);
                if C::HAS_CELL_STATE {
                    step.c.store(&mut c[unit..]);
                }
                if C::KEEPS {
                    step.kept.store(&mut kept[unit..]);
                }
                unit += LANES;
            }
            lane += 1;
        }
    }
}

impl<C: Cell> Kernel for Backward<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let (mut lane, units) = (0, self.h.columns);
        while lane < self.h.rows {
            let (mut gates, mut d_hidden) = (self.gates.row::<C>(lane), self.d_hidden.row::<C>(lane));
            let (h, h_previous, c_previous) = (read(&self.h, lane), read(&self.h_previous, lane), read(&self.c_previous, lane));
            let (d_output, kept) = (read(&self.d_output, lane), read(&self.kept, lane));
            let (d_h, d_c) = (row(&mut self.d_h, lane), row(&mut self.d_c, lane));
            let mut unit = 0;
            while unit < units {
                let kept = UnitKept {
                    gates: gates.load::<S>(unit),
                    kept: load_if(C::KEEPS, kept, unit),
                    h: Vector::load(&h[unit..]),
                    h_previous: Vector::load(&h_previous[unit..]),
                    c_previous: load_if(C::HAS_CELL_STATE, c_previous, unit),
                };
                let above = Vector::load(&d_output[unit..]) + Vector::load(&d_h[unit..]);
                let d = self.cell.backward(kept, above, Vector::load(&d_c[unit..]));
                gates.store::<S>(unit, d.input);
                if C::SPLIT {
                    d_hidden.store::<S>(unit, d.hidden);
                }
                d.h.store(&mut d_h[unit..]);
                d.c.store(&mut d_c[unit..]);
                unit += LANES;
            }
            lane += 1;
        }
    }
}
