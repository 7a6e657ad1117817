//! The cells on vectors: all units of all lanes of a tile, one time step, gates and state in one pass.

use rnnkit_core::cell::{Cell, MAX_GATES, UnitKept};
use rnnkit_core::math::Real;

use crate::simd::{Kernel, LANES, Simd, Vector};

/// One time step forward, from pre-activations to states.
pub struct Forward<'a, C> {
    /// The cell.
    pub cell: C,
    /// Hidden size H.
    pub size: usize,
    /// [n, G*H]: pre-activations in (of the input part, where they are apart), activated gates out.
    pub gates: &'a mut [f32],
    /// [n, G*H]: the hidden part, where a cell wants it apart; else empty.
    pub hidden: &'a [f32],
    /// h of the step before, [n, H].
    pub h_previous: &'a [f32],
    /// c of the step before, [n, H]; empty without a cell state.
    pub c_previous: &'a [f32],
    /// h, [n, H].
    pub h: &'a mut [f32],
    /// c, [n, H], or empty.
    pub c: &'a mut [f32],
    /// The cell's `kept`, [n, H], or empty.
    pub kept: &'a mut [f32],
}

/// One time step back, from the gradients of the states to those of the pre-activations.
pub struct Backward<'a, C> {
    /// The cell.
    pub cell: C,
    /// Hidden size H.
    pub size: usize,
    /// [n, G*H]: activated gates in, gradient of the input pre-activations out.
    pub gates: &'a mut [f32],
    /// [n, G*H]: gradient of the hidden pre-activations, where it differs; else empty.
    pub d_hidden: &'a mut [f32],
    /// Gradient of h from above, [n, H].
    pub d_output: &'a [f32],
    /// Gradient of h from the step after in, from this step to the one before out (but for the hidden product), [n, H].
    pub d_h: &'a mut [f32],
    /// The same of c.
    pub d_c: &'a mut [f32],
    /// h, [n, H].
    pub h: &'a [f32],
    /// h of the step before, [n, H].
    pub h_previous: &'a [f32],
    /// c of the step before, [n, H], or empty.
    pub c_previous: &'a [f32],
    /// The cell's `kept`, [n, H], or empty.
    pub kept: &'a [f32],
}

/// The gates of the units from `unit` on, out of a row [G*H]; zeros past a block's end.
#[inline(always)]
fn load_gates<S: Simd, C: Cell>(row: &[f32], unit: usize, size: usize) -> [Vector<S>; MAX_GATES] {
    let mut gates = [Vector::splat(0.0); MAX_GATES];
    let mut gate = 0;
    while gate < C::GATES {
        gates[gate] = Vector::load(&row[gate * size + unit..(gate + 1) * size]);
        gate += 1;
    }
    gates
}

#[inline(always)]
fn store_gates<S: Simd, C: Cell>(row: &mut [f32], unit: usize, size: usize, gates: [Vector<S>; MAX_GATES]) {
    let mut gate = 0;
    while gate < C::GATES {
        gates[gate].store(&mut row[gate * size + unit..(gate + 1) * size]);
        gate += 1;
    }
}

/// The values of a row from `unit` on, or zeros if the buffer is empty.
#[inline(always)]
fn load_if<S: Simd>(wanted: bool, values: &[f32], at: usize, end: usize) -> Vector<S> {
    if wanted { Vector::load(&values[at..end]) } else { Vector::splat(0.0) }
}

impl<C: Cell> Kernel for Forward<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (size, width) = (self.size, C::GATES * self.size);
        let mut lane = 0;
        while lane * size < self.h.len() {
            let row = &mut self.gates[lane * width..(lane + 1) * width];
            let end = (lane + 1) * size;
            let mut unit = 0;
            while unit < size {
                let at = lane * size + unit;
                let input = load_gates::<S, C>(row, unit, size);
                let hidden = if C::SPLIT {
                    load_gates::<S, C>(&self.hidden[lane * width..(lane + 1) * width], unit, size)
                } else {
                    [Vector::splat(0.0); MAX_GATES]
                };
                let c_previous = load_if(C::HAS_CELL_STATE, self.c_previous, at, end);
                let step = self.cell.forward(input, hidden, Vector::load(&self.h_previous[at..end]), c_previous);
                store_gates::<S, C>(row, unit, size, step.gates);
                step.h.store(&mut self.h[at..end]);
                if C::HAS_CELL_STATE {
                    step.c.store(&mut self.c[at..end]);
                }
                if C::KEEPS {
                    step.kept.store(&mut self.kept[at..end]);
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
    fn run<S: Simd>(self) {
        let (size, width) = (self.size, C::GATES * self.size);
        let mut lane = 0;
        while lane * size < self.h.len() {
            let row = &mut self.gates[lane * width..(lane + 1) * width];
            let end = (lane + 1) * size;
            let mut unit = 0;
            while unit < size {
                let at = lane * size + unit;
                let kept = UnitKept {
                    gates: load_gates::<S, C>(row, unit, size),
                    kept: load_if(C::KEEPS, self.kept, at, end),
                    h: Vector::<S>::load(&self.h[at..end]),
                    h_previous: Vector::load(&self.h_previous[at..end]),
                    c_previous: load_if(C::HAS_CELL_STATE, self.c_previous, at, end),
                };
                let d_h = Vector::load(&self.d_output[at..end]) + Vector::load(&self.d_h[at..end]);
                let d = self.cell.backward(kept, d_h, Vector::load(&self.d_c[at..end]));
                store_gates::<S, C>(row, unit, size, d.input);
                if C::SPLIT {
                    store_gates::<S, C>(&mut self.d_hidden[lane * width..(lane + 1) * width], unit, size, d.hidden);
                }
                d.h.store(&mut self.d_h[at..end]);
                d.c.store(&mut self.d_c[at..end]);
                unit += LANES;
            }
            lane += 1;
        }
    }
}
