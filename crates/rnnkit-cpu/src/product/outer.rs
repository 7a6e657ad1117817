//! The product of two matrices over their rows, aᵀ · b: a weight's gradient over all rows of a window.
//!
//! Register tiles read both sides where they lie, or packed copies, made a block of rows at a time: rows that lie far apart by a multiple of a
//! large power of two fight for a few lines of the caches (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
//! 2008). A result of few columns is made transposed, so that its long side fills the vectors.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::{Matrix, MatrixMut};
use crate::simd::{Ahead, Isa, Kernel, LANES, Simd, Start, Tile, Vector};

/// Rows of both matrices that are packed at once: a panel of B of this depth stays in the first cache.
const DEPTH: usize = 256;
/// Columns of A that are packed at once: this much of A stays in the second cache.
const HEIGHT: usize = 256;
/// The fewest columns of B that repay packing A.
const WORTH_PACKING: usize = 256;
/// The widest panel of B, in values.
const WIDTH: usize = 2 * LANES;
/// The most columns of a result that is made transposed: half a vector.
const NARROW: usize = LANES / 2;
/// How many rows ahead of those that it packs a block asks for: they lie too far apart for the machine to guess.
const AHEAD: usize = 8;

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

/// The pieces of both matrices.
#[derive(Clone, Copy)]
struct Pieces<'p, 'a>(&'p dyn Fn(usize) -> Option<(Matrix<'a>, Matrix<'a>)>);

/// A row of the pieces: the next one to pack.
#[derive(Clone, Copy)]
struct Place {
    piece: usize,
    row: usize,
}

/// Where the pieces begin.
const FIRST: Place = Place { piece: 0, row: 0 };

impl<'p, 'a> Pieces<'p, 'a> {
    #[inline(always)]
    fn from(self, place: Place) -> Block<'p, 'a> {
        Block { pieces: self, next: place, taken: 0 }
    }
}

/// Some rows of one piece.
struct Run<'a> {
    a: Matrix<'a>,
    b: Matrix<'a>,
    rows: Range<usize>,
    /// How many rows of the block come before.
    before: usize,
}

/// The rows of the pieces from a place on, [`DEPTH`] of them or as many as there are, in runs that lie in one piece.
struct Block<'p, 'a> {
    pieces: Pieces<'p, 'a>,
    next: Place,
    taken: usize,
}

impl Run<'_> {
    fn check(&self, dst: &MatrixMut) {
        assert_eq!(self.a.rows, self.b.rows, "both matrices have the same rows");
        assert_eq!((dst.rows(), dst.columns()), (self.a.columns, self.b.columns), "the result is as high as A is wide, and as wide as B");
    }
}

impl<'a> Block<'_, 'a> {
    #[inline(always)]
    fn next(&mut self) -> Option<Run<'a>> {
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

/// Packed values, written before they are read.
#[repr(align(64))]
struct Scratch<const N: usize>([MaybeUninit<f32>; N]);

impl<const N: usize> Scratch<N> {
    #[inline(always)]
    fn new() -> Self {
        Self([MaybeUninit::uninit(); N])
    }

    /// Writes as many lanes as fit in front of `end`, from `at` on.
    #[inline(always)]
    fn write<S: Simd>(&mut self, vector: Vector<S>, at: usize, end: usize) {
        assert!(at <= end && end <= N, "the scratch holds {N} values");
        // SAFETY: at most end - at values are written from `at` on, inside the array.
        unsafe { vector.store_to(self.0.as_mut_ptr().add(at).cast(), end - at) }
    }

    /// The first `length` values.
    ///
    /// # Safety
    /// They have been written.
    #[inline(always)]
    unsafe fn written(&self, length: usize) -> &[f32] {
        // SAFETY: the caller vouches for the values; slicing makes sure of the length.
        unsafe { &*(std::ptr::from_ref(&self.0[..length]) as *const [f32]) }
    }
}

/// Asks for some values, a line of the caches at a time.
#[inline(always)]
fn prefetch<S: Simd>(from: *const f32, length: usize) {
    let mut at = 0;
    while at < length {
        S::prefetch(from.wrapping_add(at));
        at += LANES;
    }
}

/// Rows of a strip that a register tile takes: as few strips as there can be, of nearly equal height.
#[inline(always)]
fn strip_height<S: Simd>(rows: usize) -> usize {
    rows.div_ceil(rows.div_ceil(S::TILE_ROWS))
}

/// The product by way of packed copies.
struct Packed<'a, 'p, 'd> {
    pieces: Pieces<'p, 'a>,
    dst: MatrixMut<'d>,
    start: Start<'static>,
}

impl Kernel for Packed<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let mut a = Scratch::<{ DEPTH * HEIGHT }>::new();
        let (mut p, q) = (0, self.dst.columns());
        while p < self.dst.rows() {
            let columns = p..self.dst.rows().min(p + HEIGHT);
            let (mut place, mut start) = (FIRST, self.start);
            loop {
                let (depth, next) = self.measure(place);
                if depth == 0 {
                    break;
                }
                self.pack_a::<S>(place, depth, columns.clone(), &mut a);
                self.block::<S>(place, depth, columns.clone(), &a, start);
                (place, start) = (next, Start::Current);
            }
            if let Start::Zero = start {
                // There are no rows to sum over.
                self.dst.part(columns, 0..q).clear();
            }
            p += HEIGHT;
        }
    }
}

impl<'a, 'p> Packed<'a, 'p, '_> {
    /// How many rows the block at a place has, and the place behind it.
    fn measure(&self, place: Place) -> (usize, Place) {
        let mut block = self.pieces.from(place);
        while let Some(run) = block.next() {
            run.check(&self.dst);
        }
        (block.taken, block.next)
    }

    /// Some columns of A at a block of rows, as one strip after the other for the register tiles, each [depth, height of the tile].
    #[inline(always)]
    fn pack_a<S: Simd>(&self, place: Place, depth: usize, columns: Range<usize>, to: &mut Scratch<{ DEPTH * HEIGHT }>) {
        let height = strip_height::<S>(columns.len());
        let mut block = self.pieces.from(place);
        while let Some(Run { a, rows, before, .. }) = block.next() {
            let mut row = rows.start;
            while row < rows.end {
                let from = &a.values[row * a.stride + columns.start..][..columns.len()];
                prefetch::<S>(from.as_ptr().wrapping_add(AHEAD * a.stride), columns.len());
                let k = before + row - rows.start;
                let mut first = 0;
                while first < from.len() {
                    let here = height.min(from.len() - first);
                    // More lanes than the strip is high may be written; the next row of the strip overwrites them.
                    to.write(Vector::<S>::load(&from[first..]), first * depth + k * here, (first + here) * depth);
                    first += height;
                }
                row += 1;
            }
        }
        assert_eq!(block.taken, depth, "pieces that change while they are read");
    }

    /// One panel of B at a block of rows, [depth, width], and zeros where it is cut short.
    #[inline(always)]
    fn pack_b<S: Simd>(&self, place: Place, depth: usize, columns: Range<usize>, to: &mut Scratch<{ DEPTH * WIDTH }>) {
        let width = S::PANEL_VECTORS * LANES;
        let mut block = self.pieces.from(place);
        while let Some(Run { b, rows, before, .. }) = block.next() {
            let mut row = rows.start;
            while row < rows.end {
                let from = &b.values[row * b.stride..][columns.clone()];
                prefetch::<S>(from.as_ptr().wrapping_add(AHEAD * b.stride), columns.len());
                let at = (before + row - rows.start) * width;
                let mut v = 0;
                while v < width {
                    to.write(Vector::<S>::load(&from[v.min(from.len())..]), at + v, at + width);
                    v += LANES;
                }
                row += 1;
            }
        }
        assert_eq!(block.taken, depth, "pieces that change while they are read");
    }

    /// What a block of rows adds to some rows of the result.
    #[inline(always)]
    fn block<S: Simd>(&mut self, place: Place, depth: usize, rows: Range<usize>, a: &Scratch<{ DEPTH * HEIGHT }>, start: Start) {
        let width = S::PANEL_VECTORS * LANES;
        let height = strip_height::<S>(rows.len());
        let mut b = Scratch::<{ DEPTH * WIDTH }>::new();
        let rows_of_b = self.pieces.from(place).next().map(|run| (run.b.values[run.rows.start * run.b.stride..].as_ptr(), run.b.stride));
        let mut column = 0;
        while column < self.dst.columns() {
            let columns = column..self.dst.columns().min(column + width);
            // The first strips ask for the next panel, one line of each row: where they guess wrong, since another piece begins, nothing is lost.
            let mut lines = (columns.end..columns.end + width).step_by(LANES);
            self.pack_b::<S>(place, depth, columns.clone(), &mut b);
            // SAFETY: `pack_a` and `pack_b` have written all `depth` rows.
            let (a, b) = unsafe { (a.written(rows.len() * depth), b.written(depth * width)) };
            let mut first = 0;
            while first < rows.len() {
                let here = height.min(rows.len() - first);
                let ahead = rows_of_b.zip(lines.next());
                let ahead = ahead.map(|((b, stride), at)| Ahead { from: b.wrapping_add(at), step: stride * size_of::<f32>() });
                let c = self.dst.part(rows.start + first..rows.start + first + here, columns.clone());
                Tile { depth, a: &a[first * depth..], a_row: 1, a_step: here, b, b_step: width, c, start, ahead }.run::<S>();
                first += height;
            }
            column += width;
        }
    }
}

/// The product of both sides where they lie.
struct InPlace<'a, 'p, 'd> {
    pieces: Pieces<'p, 'a>,
    dst: MatrixMut<'d>,
    start: Start<'static>,
}

impl Kernel for InPlace<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let mut start = self.start;
        let mut block = self.pieces.from(FIRST);
        while let Some(run) = block.next() {
            run.check(&self.dst);
            if !run.rows.is_empty() {
                self.add::<S>(&run, start);
                start = Start::Current;
            }
            block.taken = 0;
        }
        if let Start::Zero = start {
            // There are no rows to sum over.
            self.dst.clear();
        }
    }
}

impl InPlace<'_, '_, '_> {
    /// What some rows of a piece add: register tiles with A read down its columns.
    #[inline(always)]
    fn add<S: Simd>(&mut self, Run { a, b, rows, .. }: &Run, start: Start) {
        let (p, q, width) = (self.dst.rows(), self.dst.columns(), S::PANEL_VECTORS * LANES);
        let height = strip_height::<S>(p);
        let mut column = 0;
        while column < q {
            let columns = column..q.min(column + width);
            let mut first = 0;
            while first < p {
                let last = p.min(first + height);
                Tile {
                    depth: rows.len(),
                    a: &a.values[rows.start * a.stride + first..],
                    a_row: 1,
                    a_step: a.stride,
                    b: &b.values[rows.start * b.stride + column..],
                    b_step: b.stride,
                    c: self.dst.part(first..last, columns.clone()),
                    start,
                    ahead: None,
                }
                .run::<S>();
                first = last;
            }
            column += width;
        }
    }
}

/// The product of a B of few columns: dstᵀ = bᵀ · a, panels of A's columns one after the other.
struct Narrow<'a, 'p, 'd> {
    pieces: Pieces<'p, 'a>,
    dst: MatrixMut<'d>,
    start: Start<'static>,
}

impl Kernel for Narrow<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self) {
        let (p, q, width) = (self.dst.rows(), self.dst.columns(), S::PANEL_VECTORS * LANES);
        let mut sums = [0.0; NARROW * WIDTH];
        let mut column = 0;
        while column < p {
            let columns = column..p.min(column + width);
            sums.fill(0.0);
            if let Start::Current = self.start {
                for (at, sums) in sums.chunks_exact_mut(width).take(q).enumerate() {
                    columns.clone().zip(sums).for_each(|(row, sum)| *sum = self.dst.row(row)[at]);
                }
            }
            self.add_up::<S>(columns.clone(), &mut sums[..q * width]);
            for row in columns {
                self.dst.row(row).iter_mut().zip(sums[row - column..].iter().step_by(width)).for_each(|(to, sum)| *to = *sum);
            }
            column += width;
        }
    }
}

impl Narrow<'_, '_, '_> {
    /// What all rows add to some columns of dstᵀ, [q, width of a panel].
    #[inline(always)]
    fn add_up<S: Simd>(&self, columns: Range<usize>, sums: &mut [f32]) {
        let (q, width) = (self.dst.columns(), S::PANEL_VECTORS * LANES);
        let mut block = self.pieces.from(FIRST);
        while let Some(run) = block.next() {
            run.check(&self.dst);
            let Run { a, b, rows, .. } = run;
            let mut first = 0;
            while first < q && !rows.is_empty() {
                let last = q.min(first + S::TILE_ROWS);
                Tile {
                    depth: rows.len(),
                    a: &b.values[rows.start * b.stride + first..],
                    a_row: 1,
                    a_step: b.stride,
                    b: &a.values[rows.start * a.stride + columns.start..],
                    b_step: a.stride,
                    c: MatrixMut::with_stride(&mut sums[first * width..], last - first, columns.len(), width),
                    start: Start::Current,
                    ahead: None,
                }
                .run::<S>();
                first = last;
            }
            block.taken = 0;
        }
    }
}
