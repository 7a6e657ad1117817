//! The rows that a product sums over, as they lie: in pieces, taken in runs and in blocks.

use std::ops::Range;

use super::{Matrix, MatrixMut};

/// Rows of both matrices that are packed at once: a panel of B of this depth stays in the first cache.
pub const DEPTH: usize = 256;

/// The pieces of both matrices.
#[derive(Clone, Copy)]
pub struct Pieces<'p, 'a>(pub &'p dyn Fn(usize) -> Option<(Matrix<'a>, Matrix<'a>)>);

/// A row of the pieces: the next one to pack.
#[derive(Clone, Copy)]
pub struct Place {
    pub piece: usize,
    pub row: usize,
}

/// Where the pieces begin.
pub const FIRST: Place = Place { piece: 0, row: 0 };

impl<'p, 'a> Pieces<'p, 'a> {
    #[inline(always)]
    pub fn from(self, place: Place) -> Block<'p, 'a> {
        Block { pieces: self, next: place, taken: 0 }
    }
}

/// Some rows of one piece.
pub struct Run<'a> {
    pub a: Matrix<'a>,
    pub b: Matrix<'a>,
    pub rows: Range<usize>,
    /// How many rows of the block come before.
    pub before: usize,
}

/// The rows of the pieces from a place on, [`DEPTH`] of them or as many as there are, in runs that lie in one piece.
pub struct Block<'p, 'a> {
    pieces: Pieces<'p, 'a>,
    pub next: Place,
    pub taken: usize,
}

impl Run<'_> {
    pub fn check(&self, dst: &MatrixMut) {
        assert_eq!(self.a.rows, self.b.rows, "both matrices have the same rows");
        assert_eq!((dst.rows(), dst.columns()), (self.a.columns, self.b.columns), "the result is as high as A is wide, and as wide as B");
    }
}

impl<'a> Block<'_, 'a> {
    #[inline(always)]
    pub fn next(&mut self) -> Option<Run<'a>> {
        if self.taken == DEPTH {
            return None;
        }
        let (a, b) = self.pieces.0(self.next.piece)?;
        let (rows, before) = (self.next.row..a.rows.min(self.next.row + DEPTH - self.taken), self.taken);
        self.taken += rows.len();
        self.next = if rows.end == a.rows { Place { piece: self.next.piece + 1, row: 0 } } else { Place { row: rows.end, ..self.next } };
        Some(Run { a, b, rows, before })
    }
}
