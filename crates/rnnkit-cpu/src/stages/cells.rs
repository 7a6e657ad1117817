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

/// A lane's part of a time step, a vector of units at a time.
trait Lane<S: Simd> {
    /// What it reads.
    type Taken;

    /// Reads what the units from `unit` on need.
    fn take(&self, unit: usize) -> Self::Taken;

    /// Writes what becomes of it.
    fn put(&mut self, unit: usize, taken: Self::Taken);
}

/// All units of a lane.
#[inline(always)]
fn every_unit<S: Simd>(lane: &mut impl Lane<S>, units: usize) {
    if LANES < units && units < 2 * LANES {
        // The second vector is cut short, and behind it lies the next gate's first: a load that touches what was just stored, even in lanes
        // that are left out, waits until it has reached the cache. So both are read before either is written.
        let [first, second] = [lane.take(0), lane.take(LANES)];
        lane.put(0, first);
        lane.put(LANES, second);
        return;
    }
    let mut unit = 0;
    while unit < units {
        let taken = lane.take(unit);
        lane.put(unit, taken);
        unit += LANES;
    }
}

/// One lane of [`Forward`].
struct ForwardLane<'a, C> {
    cell: C,
    gates: GateRow<'a, C>,
    hidden: GateRow<'a, C>,
    h_previous: &'a [f32],
    c_previous: &'a [f32],
    h: &'a mut [f32],
    c: &'a mut [f32],
    kept: &'a mut [f32],
}

/// What a cell reads on its way forward.
struct Entering<R> {
    input: [R; MAX_GATES],
    hidden: [R; MAX_GATES],
    h: R,
    c: R,
}

impl<S: Simd, C: Cell> Lane<S> for ForwardLane<'_, C> {
    type Taken = Entering<Vector<S>>;

    #[inline(always)]
    fn take(&self, unit: usize) -> Self::Taken {
        Entering {
            input: self.gates.load(unit),
            hidden: if C::SPLIT { self.hidden.load(unit) } else { [Vector::splat(0.0); MAX_GATES] },
            h: Vector::load(&self.h_previous[unit..]),
            c: load_if(C::HAS_CELL_STATE, self.c_previous, unit),
        }
    }

    #[inline(always)]
    fn put(&mut self, unit: usize, Entering { input, hidden, h, c }: Self::Taken) {
        let step = self.cell.forward(input, hidden, h, c);
        self.gates.store(unit, step.gates);
        step.h.store(&mut self.h[unit..]);
        if C::HAS_CELL_STATE {
            step.c.store(&mut self.c[unit..]);
        }
        if C::KEEPS {
            step.kept.store(&mut self.kept[unit..]);
        }
    }
}

/// One lane of [`Backward`].
struct BackwardLane<'a, C> {
    cell: C,
    gates: GateRow<'a, C>,
    d_hidden: GateRow<'a, C>,
    d_output: &'a [f32],
    d_h: &'a mut [f32],
    d_c: &'a mut [f32],
    h: &'a [f32],
    h_previous: &'a [f32],
    c_previous: &'a [f32],
    kept: &'a [f32],
}

/// What a cell reads on its way back.
struct Returning<R> {
    kept: UnitKept<R>,
    d_h: R,
    d_c: R,
}

impl<S: Simd, C: Cell> Lane<S> for BackwardLane<'_, C> {
    type Taken = Returning<Vector<S>>;

    #[inline(always)]
    fn take(&self, unit: usize) -> Self::Taken {
        let kept = UnitKept {
            gates: self.gates.load(unit),
            kept: load_if(C::KEEPS, self.kept, unit),
            h: Vector::load(&self.h[unit..]),
            h_previous: Vector::load(&self.h_previous[unit..]),
            c_previous: load_if(C::HAS_CELL_STATE, self.c_previous, unit),
        };
        let d_h = Vector::load(&self.d_output[unit..]) + Vector::load(&self.d_h[unit..]);
        Returning { kept, d_h, d_c: Vector::load(&self.d_c[unit..]) }
    }

    #[inline(always)]
    fn put(&mut self, unit: usize, Returning { kept, d_h, d_c }: Self::Taken) {
        let d = self.cell.backward(kept, d_h, d_c);
        self.gates.store(unit, d.input);
        if C::SPLIT {
            self.d_hidden.store(unit, d.hidden);
        }
        d.h.store(&mut self.d_h[unit..]);
        d.c.store(&mut self.d_c[unit..]);
    }
}

impl<C: Cell> Kernel for Forward<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let (mut lane, units) = (0, self.h.columns());
        while lane < self.h.rows() {
            let mut forward = ForwardLane {
                cell: self.cell,
                gates: self.gates.row(lane),
                hidden: self.hidden.row(lane),
                h_previous: read(&self.h_previous, lane),
                c_previous: read(&self.c_previous, lane),
                h: row(&mut self.h, lane),
                c: row(&mut self.c, lane),
                kept: row(&mut self.kept, lane),
            };
            every_unit::<S>(&mut forward, units);
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
            let mut backward = BackwardLane {
                cell: self.cell,
                gates: self.gates.row(lane),
                d_hidden: self.d_hidden.row(lane),
                d_output: read(&self.d_output, lane),
                d_h: row(&mut self.d_h, lane),
                d_c: row(&mut self.d_c, lane),
                h: read(&self.h, lane),
                h_previous: read(&self.h_previous, lane),
                c_previous: read(&self.c_previous, lane),
                kept: read(&self.kept, lane),
            };
            every_unit::<S>(&mut backward, units);
            lane += 1;
        }
    }
}
