//! [`InPlace`]: the product without copies.

use super::pieces::{FIRST, Pieces, Run};
use super::{MatrixMut, strip_height};
use crate::simd::{Kernel, LANES, Simd, Start, Tile};

/// The product of both sides where they lie.
pub struct InPlace<'a, 'p, 'd> {
    pub pieces: Pieces<'p, 'a>,
    pub dst: MatrixMut<'d>,
    pub start: Start<'static>,
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
