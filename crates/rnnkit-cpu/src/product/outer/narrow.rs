//! [`Narrow`]: the product with a result of few columns.

use std::ops::Range;

use super::pieces::{FIRST, Pieces, Run};
use super::{MatrixMut, WIDTH};
use crate::simd::{Kernel, LANES, Simd, Start, Tile};

/// The most columns of a result that is made transposed: half a vector.
pub const NARROW: usize = LANES / 2;

/// The product of a B of few columns: dstᵀ = bᵀ · a, panels of A's columns one after the other.
pub struct Narrow<'a, 'p, 'd> {
    pub pieces: Pieces<'p, 'a>,
    pub dst: MatrixMut<'d>,
    pub start: Start<'static>,
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
