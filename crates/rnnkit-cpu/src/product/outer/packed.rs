//! [`Packed`]: the product by way of copies of both sides.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::pieces::{DEPTH, FIRST, Pieces, Place, Run};
use super::{MatrixMut, WIDTH, strip_height};
use crate::simd::{Ahead, Kernel, LANES, Simd, Start, Tile, Vector};

/// Columns of A that are packed at once: this much of A stays in the second cache.
const HEIGHT: usize = 256;
/// How many rows ahead of those that it packs a block asks for: they lie too far apart for the machine to guess.
const AHEAD: usize = 8;

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

/// The product by way of packed copies.
pub struct Packed<'a, 'p, 'd> {
    pub pieces: Pieces<'p, 'a>,
    pub dst: MatrixMut<'d>,
    pub start: Start<'static>,
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
