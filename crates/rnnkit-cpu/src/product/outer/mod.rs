//! The product of two matrices over their rows, aᵀ · b: a weight's gradient over all rows of a window.
//!
//! Register tiles read both sides where they lie, or packed copies, made a block of rows at a time: rows that lie far apart by a multiple of a
//! large power of two fight for a few lines of the caches (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
//! 2008). A result of few columns is made transposed, so that its long side fills the vectors.

mod in_place;
mod narrow;
mod packed;
mod pieces;

use super::{Matrix, MatrixMut};
use crate::simd::{Isa, LANES, Simd, Start};

use in_place::InPlace;
use narrow::{NARROW, Narrow};
use packed::Packed;
use pieces::Pieces;

/// The fewest columns of B that repay packing A.
const WORTH_PACKING: usize = 256;
/// The widest panel of B, in values.
const WIDTH: usize = 2 * LANES;

/// dst `[P, Q]` = or += aᵀ · b, where a `[rows, P]` and b `[rows, Q]` come in pieces: `piece` gives those of each number from 0, in the order
/// of their rows, and then none. Each element is one chain of multiply-adds in that order, from 0 or, if `adds`, from what dst holds.
pub fn outer<'a>(isa: Isa, piece: impl Fn(usize) -> Option<(Matrix<'a>, Matrix<'a>)>, dst: MatrixMut, adds: bool) {
    if dst.rows() == 0 || dst.columns() == 0 {
        return;
    }
    let (pieces, start) = (Pieces(&piece), if adds { Start::Current } else { Start::Zero });
    match piece(0) {
        Some((a, b)) if strides_conflict(a.stride) && b.columns >= WORTH_PACKING => isa.dispatch(Packed { pieces, dst, start }),
        _ if dst.columns() <= NARROW && dst.columns() < dst.rows() => isa.dispatch(Narrow { pieces, dst, start }),
        _ => isa.dispatch(InPlace { pieces, dst, start }),
    }
}

/// Whether rows so far apart share so few lines of the first cache that a block of them does not fit, and lie on pages of their own.
pub fn strides_conflict(stride: usize) -> bool {
    stride >= 1024 && stride.is_multiple_of(256)
}

/// dst `[P, Q]` += aᵀ · b with a `[rows, P]` and b `[rows, Q]`, each element one chain of multiply-adds in the order of the rows.
pub fn outer_accumulate(isa: Isa, a: Matrix, b: Matrix, dst: MatrixMut) {
    outer(isa, |number| (number == 0).then_some((a, b)), dst, true);
}

/// Rows of a strip that a register tile takes: as few strips as there can be, of nearly equal height.
#[inline(always)]
fn strip_height<S: Simd>(rows: usize) -> usize {
    rows.div_ceil(rows.div_ceil(S::TILE_ROWS))
}
