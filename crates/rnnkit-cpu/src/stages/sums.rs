//! Sums of gradient rows: all of them, for a bias, or those of each symbol, for the columns of a one-hot input's weight.

use rnnkit_core::math::Real;

use crate::simd::{Kernel, LANES, Simd, Vector};

/// Vectors of sums that are held in registers while the rows pass.
const GROUP: usize = 4;

/// sums = some columns of all rows, each summed in their order.
pub struct Rows<'a, P> {
    pub sums: &'a mut [f32],
    /// Rows of `stride` values, in parts that follow one another.
    pub parts: P,
    pub stride: usize,
    /// The first of the columns.
    pub first: usize,
}

impl<'a, P: Iterator<Item = &'a [f32]> + Clone> Kernel for Rows<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { sums, parts, stride, mut first } = self;
        let (groups, rest) = sums.as_chunks_mut::<{ GROUP * LANES }>();
        for sums in groups {
            add_up::<S, true>(sums, parts.clone(), stride, first);
            first += sums.len();
        }
        if !rest.is_empty() {
            add_up::<S, false>(rest, parts, stride, first);
        }
    }
}

/// A group of sums, of [`GROUP`] whole vectors if `WHOLE`. They are written once, at the end: lines at their ends may be another thread's too,
/// and would go to and fro.
#[inline(always)]
fn add_up<'a, S: Simd, const WHOLE: bool>(to: &mut [f32], parts: impl Iterator<Item = &'a [f32]>, stride: usize, first: usize) {
    let width = if WHOLE { GROUP * LANES } else { to.len() };
    let mut sums = [Vector::<S>::splat(0.0); GROUP];
    for rows in parts {
        let mut row = first;
        while row + width <= rows.len() {
            let values = &rows[row..row + width];
            for v in 0..GROUP {
                sums[v] = sums[v] + Vector::load(&values[width.min(v * LANES)..]);
            }
            row += stride;
        }
    }
    for v in 0..GROUP {
        sums[v].store(&mut to[width.min(v * LANES)..]);
    }
}

/// sums [V + 1, width] of row id += some columns of each row, in order, and so does row V, of all; an id of V is no symbol.
pub struct Symbols<'a> {
    pub sums: &'a mut [f32],
    pub width: usize,
    /// One for each row.
    pub ids: &'a [u32],
    /// Rows of `stride` values.
    pub rows: &'a [f32],
    pub stride: usize,
    /// The first of the columns.
    pub first: usize,
}

impl Kernel for Symbols<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (symbols, all) = self.sums.split_at_mut(self.sums.len() - self.width);
        let mut row = 0;
        while row < self.ids.len() {
            let (sum, from) = (self.ids[row] as usize * self.width, row * self.stride + self.first);
            let values = &self.rows[from..from + self.width];
            if sum < symbols.len() {
                add::<S>(&mut symbols[sum..sum + self.width], values);
            }
            add::<S>(all, values);
            row += 1;
        }
    }
}

/// sums += row.
#[inline(always)]
fn add<S: Simd>(sums: &mut [f32], row: &[f32]) {
    let mut at = 0;
    while at < sums.len() {
        (Vector::<S>::load(&sums[at..]) + Vector::load(&row[at..])).store(&mut sums[at..]);
        at += LANES;
    }
}

/// to [P, V] = from [V, P] transposed, as many symbols at a time as fill a cache line.
pub fn transpose(from: &[f32], to: &mut [f32], v: usize) {
    let p = from.len() / v;
    for first in (0..v).step_by(LANES) {
        let symbols = first..v.min(first + LANES);
        for (column, to) in to.chunks_exact_mut(v).enumerate() {
            for (to, from) in to[symbols.clone()].iter_mut().zip(from[symbols.start * p..].chunks_exact(p)) {
                *to = from[column];
            }
        }
    }
}
