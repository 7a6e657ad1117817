//! [`PackedMatrix`]: the right operand of a product in panels of columns, as the register tiles read it.

use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::simd::{Isa, Kernel, LANES, Simd};
use rnnkit_core::Result;
use std::ops::Range;

/// Where a matrix `[k, n]` is packed from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Row-major `[k, n]`: for `dGates · W` with W `[G*H, H]`.
    RowMajor(&'a [f32]),
    /// Row-major `[n, k]`, transposed by the packing: for `x · Wᵀ` with W `[G*H, E]`.
    Transposed(&'a [f32]),
}

/// The shape of a packed matrix and the instruction set it is packed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedShape {
    pub(super) isa: Isa,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) width: usize,
}

impl PackedShape {
    /// Rows k.
    pub fn k(self) -> usize {
        self.k
    }

    /// Columns n.
    pub fn n(self) -> usize {
        self.n
    }

    /// Columns of one panel; the last panel's padding is zeros.
    pub fn panel_width(self) -> usize {
        self.width
    }

    /// How many panels there are.
    pub fn panels(self) -> usize {
        self.n.div_ceil(self.width)
    }

    /// The columns of panel `j`.
    pub fn columns(self, j: usize) -> Range<usize> {
        j * self.width..self.n.min((j + 1) * self.width)
    }

    /// The panels that hold those columns, which begin and end with a panel, or at n.
    pub fn panels_of(self, columns: &Range<usize>) -> Range<usize> {
        let panels = columns.start / self.width..columns.end.div_ceil(self.width);
        let held = panels.start * self.width..self.n.min(panels.end * self.width);
        assert_eq!(held, *columns, "columns that fill panels of {} each", self.width);
        panels
    }

    /// Fills `panel` `[k, panel_width]` with panel `j` of `source`; its padding is left as it is.
    pub fn pack_panel(self, j: usize, panel: &mut [f32], source: Source) {
        let (Self { k, n, width, .. }, columns) = (self, self.columns(j));
        match source {
            Source::RowMajor(from) => {
                assert_eq!(from.len(), k * n, "a matrix [{k}, {n}]");
                for (to, from) in panel.chunks_exact_mut(width).zip(from.chunks_exact(n)) {
                    to[..columns.len()].copy_from_slice(&from[columns.clone()]);
                }
            }
            Source::Transposed(from) => {
                assert_eq!(from.len(), k * n, "a matrix [{n}, {k}]");
                // In blocks of as many rows as fill a cache line of the source, so that each line is read once.
                for (block, to) in panel.chunks_mut(LANES * width).enumerate() {
                    for (c, column) in columns.clone().enumerate() {
                        let from = &from[column * k + block * LANES..(column + 1) * k];
                        for (to, &x) in to[c..].iter_mut().step_by(width).zip(from) {
                            *to = x;
                        }
                    }
                }
            }
        }
    }
}

/// A matrix `[k, n]` in panels of columns, each `[k, panel_width]`, the last one padded with zeros.
pub struct PackedMatrix {
    shape: PackedShape,
    values: Aligned,
}

impl PackedMatrix {
    /// A matrix of zeros `[k, n]`, neither of them 0.
    ///
    /// # Errors
    /// [`rnnkit_core::Error::Memory`] where there is not enough.
    pub fn new(isa: Isa, k: usize, n: usize) -> Result<Self> {
        assert!(k > 0 && n > 0, "a packed matrix has rows and columns, not [{k}, {n}]");
        let shape = PackedShape { isa, k, n, width: isa.dispatch(PanelWidth) };
        Ok(Self { shape, values: Aligned::zeros(shape.panels() * shape.width * k)? })
    }

    /// Its shape.
    pub fn shape(&self) -> PackedShape {
        self.shape
    }

    /// Takes the values of `source`, the panels shared out to the threads of `pool`.
    pub fn pack(&mut self, pool: &ThreadPool, source: Source) {
        let shape = self.shape;
        pool.for_each_chunk(&mut self.values, shape.k * shape.width, |j, panel| shape.pack_panel(j, panel, source));
    }

    /// Its shape, and its panels one after the other, for [`PackedShape::pack_panel`].
    pub fn parts_mut(&mut self) -> (PackedShape, &mut [f32]) {
        (self.shape, &mut self.values)
    }

    /// The panels `range`, one after the other.
    pub(super) fn panels(&self, range: Range<usize>) -> &[f32] {
        let panel = self.shape.k * self.shape.width;
        &self.values[range.start * panel..range.end * panel]
    }
}

struct PanelWidth;

impl Kernel for PanelWidth {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd>(self) -> usize {
        S::PANEL_VECTORS * LANES
    }
}
