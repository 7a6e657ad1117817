//! [`PackedMatrix`]: the right operand of a product in panels of columns, as the register tiles read it.

use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::simd::{Bf16, Isa, Kernel, LANES, Simd, Stored};
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

/// The number type in which weights are packed for the products. Parameters, sums and states are f32 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// The upper 16 of them, rounded to the nearest: half as much passes through the caches.
    Bf16,
}

/// How matrices are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The instruction set that reads them.
    pub isa: Isa,
    /// Their number type.
    pub precision: Precision,
}

impl From<Isa> for Packing {
    /// In f32.
    fn from(isa: Isa) -> Self {
        Self { isa, precision: Precision::F32 }
    }
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

    /// The columns that those panels hold.
    pub fn columns_of(self, panels: &Range<usize>) -> Range<usize> {
        panels.start * self.width..self.n.min(panels.end * self.width)
    }

    /// The panels that hold those columns, which begin and end with a panel, or at n.
    pub fn panels_of(self, columns: &Range<usize>) -> Range<usize> {
        let panels = columns.start / self.width..columns.end.div_ceil(self.width);
        assert_eq!(self.columns_of(&panels), *columns, "columns that fill panels of {} each", self.width);
        panels
    }

    /// The panels `range` of all.
    pub(super) fn cut<B>(self, panels: &[B], range: Range<usize>) -> &[B] {
        let panel = self.k * self.width;
        &panels[range.start * panel..range.end * panel]
    }

    /// Fills all `panels`, shared out to the threads of `pool`.
    fn pack<B: Stored>(self, pool: &ThreadPool, panels: &mut [B], source: Source) {
        pool.for_each_chunk(panels, self.k * self.width, |j, panel| self.pack_panel(j, panel, source));
    }

    /// Fills `panel` `[k, panel_width]` with panel `j` of `source`; its padding is left as it is.
    fn pack_panel<B: Stored>(self, j: usize, panel: &mut [B], source: Source) {
        let (Self { k, n, width, .. }, columns) = (self, self.columns_of(&(j..j + 1)));
        match source {
            Source::RowMajor(from) => {
                assert_eq!(from.len(), k * n, "a matrix [{k}, {n}]");
                for (to, from) in panel.chunks_exact_mut(width).zip(from.chunks_exact(n)) {
                    for (to, &x) in to.iter_mut().zip(&from[columns.clone()]) {
                        *to = B::nearest(x);
                    }
                }
            }
            Source::Transposed(from) => {
                assert_eq!(from.len(), k * n, "a matrix [{n}, {k}]");
                // In blocks of as many rows as fill a cache line of the source, so that each line is read once.
                for (block, to) in panel.chunks_mut(LANES * width).enumerate() {
                    for (c, column) in columns.clone().enumerate() {
                        let from = &from[column * k + block * LANES..(column + 1) * k];
                        for (to, &x) in to[c..].iter_mut().step_by(width).zip(from) {
                            *to = B::nearest(x);
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
    panels: Panels,
}

/// Panels one after the other, in one of the number types.
pub(super) enum Panels {
    F32(Aligned),
    Bf16(Aligned<Bf16>),
}

impl PackedMatrix {
    /// A matrix of zeros `[k, n]`, neither of them 0.
    ///
    /// # Errors
    /// [`rnnkit_core::Error::Memory`] where there is not enough.
    pub fn new(packing: impl Into<Packing>, k: usize, n: usize) -> Result<Self> {
        assert!(k > 0 && n > 0, "a packed matrix has rows and columns, not [{k}, {n}]");
        let Packing { isa, precision } = packing.into();
        let shape = PackedShape { isa, k, n, width: isa.dispatch(PanelWidth) };
        let length = shape.panels() * shape.width * k;
        let panels = match precision {
            Precision::F32 => Panels::F32(Aligned::zeros(length)?),
            Precision::Bf16 => Panels::Bf16(Aligned::zeros(length)?),
        };
        Ok(Self { shape, panels })
    }

    /// Its shape.
    pub fn shape(&self) -> PackedShape {
        self.shape
    }

    /// Takes the values of `source`, the panels shared out to the threads of `pool`.
    pub fn pack(&mut self, pool: &ThreadPool, source: Source) {
        match &mut self.panels {
            Panels::F32(panels) => self.shape.pack(pool, panels, source),
            Panels::Bf16(panels) => self.shape.pack(pool, panels, source),
        }
    }

    /// Its panels.
    pub(super) fn panels(&self) -> &Panels {
        &self.panels
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
