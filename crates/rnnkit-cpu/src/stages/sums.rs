//! Sums of gradient rows: all of them, for a bias, or those of each symbol, for the columns of a one-hot input's weight.

use crate::simd::{Kernel, LANES, Simd, Vector};

/// sums += some columns of each row, in order.
pub struct Rows<'a> {
    pub sums: &'a mut [f32],
    /// Rows of `stride` values.
    pub rows: &'a [f32],
    pub stride: usize,
    /// The first of the columns.
    pub first: usize,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let mut row = self.first;
        while row + self.sums.len() <= self.rows.len() {
            add::<S>(self.sums, &self.rows[row..row + self.sums.len()]);
            row += self.stride;
        }
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
