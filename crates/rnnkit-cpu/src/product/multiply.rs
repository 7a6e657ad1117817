//! The products, cut into register tiles in an order that keeps what is read again in the caches.

use super::packed::{PackedMatrix, Panels};
use super::{Matrix, MatrixMut};
use crate::simd::{Ahead, Kernel, LANES, Simd, Start, Stored, Tile, row_times_panels};
use std::ops::Range;

/// Steps of k after which the sums go back to C: this much of a panel, and of a tile's rows of A, stays in the first cache.
const DEPTH: usize = 256;
/// Rows of A that meet one panel after the other: this much of A stays in the second cache.
const ROWS: usize = 96;

/// c `[m, n]` from `start` += a `[m, k]` · b `[k, n]`, each element one chain of multiply-adds in the order of k.
pub fn multiply(a: Matrix, b: &PackedMatrix, c: MatrixMut, start: Start) {
    multiply_panels(a, b, 0..b.shape().panels(), c, start, Turn::ONLY);
}

/// Which of the calls that read the same panels one after the other a call is. While they do, they ask for the panels behind: each for its
/// part, so that a weight that comes from far away, at a few bytes a cycle, comes all the time.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// How many came before.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Turn {
    /// That of a call by itself.
    pub const ONLY: Self = Self { number: 0, of: 1 };
}

/// As [`multiply`], for the columns of b's panels `panels` alone: c, and a starting row, have those columns only.
pub fn multiply_panels(a: Matrix, b: &PackedMatrix, panels: Range<usize>, c: MatrixMut, start: Start, turn: Turn) {
    let shape = b.shape();
    let columns = shape.columns_of(&panels).len();
    assert_eq!(a.columns, shape.k(), "the columns of A are the rows of B");
    assert_eq!(c.rows(), a.rows, "C has the rows of A");
    assert_eq!(c.columns(), columns, "C has the columns of B's panels {panels:?}");
    if let Start::Row(row) = start {
        assert_eq!(row.len(), columns, "a starting row has a value for each column of C");
    }
    if a.rows > 0 && columns > 0 {
        match b.panels() {
            Panels::F32(all) => shape.isa.dispatch(Multiply { a, panels: shape.cut(all, panels), c, start, turn }),
            Panels::Bf16(all) => shape.isa.dispatch(Multiply { a, panels: shape.cut(all, panels), c, start, turn }),
        }
    }
}

/// Cuts `rows` into as few parts of at most `highest` rows as there can be, of nearly equal height; none is empty.
#[inline(always)]
fn tile_rows(rows: Range<usize>, highest: usize, part: usize) -> Range<usize> {
    let parts = rows.len().div_ceil(highest);
    rows.start + part * rows.len() / parts..rows.start + (part + 1) * rows.len() / parts
}

struct Multiply<'a, B> {
    a: Matrix<'a>,
    panels: &'a [B],
    c: MatrixMut<'a>,
    start: Start<'a>,
    turn: Turn,
}

impl<B: Stored> Kernel for Multiply<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        if self.a.rows == 1 {
            let k = self.a.columns;
            return row_times_panels::<S, B>(&self.a.values[..k], self.panels, self.c.row(0), self.start);
        }
        let mut k = 0;
        while k < self.a.columns {
            let steps = k..self.a.columns.min(k + DEPTH);
            let mut row = 0;
            while row < self.a.rows {
                self.block::<S>(row..self.a.rows.min(row + ROWS), steps.clone());
                row += ROWS;
            }
            k += DEPTH;
        }
    }
}

impl<B: Stored> Multiply<'_, B> {
    /// The part of the product that some rows of A and some steps of k make.
    #[inline(always)]
    fn block<S: Simd>(&mut self, rows: Range<usize>, steps: Range<usize>) {
        let (a, n, width) = (&self.a, self.c.columns(), S::PANEL_VECTORS * LANES);
        let parts = rows.len().div_ceil(S::TILE_ROWS);
        // The tiles that read a panel share the bytes of the next.
        let share = (width * size_of::<B>()).div_ceil(parts * self.turn.of);
        let mut column = 0;
        while column < n {
            let columns = column..n.min(column + width);
            let panel = &self.panels[column * a.columns..][steps.start * width..steps.end * width];
            let start = match self.start {
                _ if steps.start > 0 => Start::Current,
                Start::Row(row) => Start::Row(&row[columns.clone()]),
                other => other,
            };
            let next = self.panels.as_ptr().wrapping_add((column + width) * a.columns + steps.start * width);
            for part in 0..parts {
                let before = (self.turn.number * parts + part) * share * steps.len();
                let rows = tile_rows(rows.clone(), S::TILE_ROWS, part);
                Tile {
                    depth: steps.len(),
                    a: &a.values[rows.start * a.stride + steps.start..],
                    a_row: a.stride,
                    a_step: 1,
                    b: panel,
                    b_step: width,
                    c: self.c.part(rows, columns.clone()),
                    start,
                    ahead: Some(Ahead { from: next.wrapping_byte_add(before).cast(), step: share }),
                }
                .run::<S>();
            }
            column += width;
        }
    }
}
