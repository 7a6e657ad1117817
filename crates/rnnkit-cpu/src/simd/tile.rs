//! The innermost loops of a matrix product: a tile of sums held in registers, C += A · B.
//!
//! A tile is a few rows of A times a panel of B, one or two vectors wide. Each step takes one row of the panel and one value
//! from each row of A and makes rows x vectors multiply-adds, none of which waits for another. Every element of C is one chain
//! of multiply-adds in the order of k that starts from its initial value, whatever the tile's height or place; so cutting a
//! product otherwise, in rows, columns or k, changes no bit.
//!
//! A row alone has too few sums to keep the multipliers busy: [`row_times_panels`] takes several panels at once instead.

use super::set::{LANES, Simd};
use super::stored::Stored;
use super::vector::Vector;
use crate::matrix::MatrixMut;
use rnnkit_core::math::Real;

/// What the elements of C start from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// Zero.
    Zero,
    /// What C holds.
    Current,
    /// The same row for every row of C, such as a bias: one value for each column.
    Row(&'a [f32]),
}

/// One tile's operands: C[rows, columns] from `start` += A[rows, depth] · B[depth, columns].
///
/// Its rows are at most `S::TILE_ROWS`, its columns at most `S::PANEL_VECTORS` * [`LANES`], neither is 0.
pub(crate) struct Tile<'a, B = f32> {
    pub depth: usize,
    /// A's element (i, k) is at i * `a_row` + k * `a_step`.
    pub a: &'a [f32],
    pub a_row: usize,
    pub a_step: usize,
    /// B's element (k, j) is at k * `b_step` + j.
    pub b: &'a [B],
    pub b_step: usize,
    pub c: MatrixMut<'a>,
    pub start: Start<'a>,
    pub ahead: Option<Ahead>,
}

/// What a later tile wants and this one asks for, a little at each step, so that it has come by then. Nothing is read.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    /// Where it begins.
    pub from: *const f32,
    /// Bytes to go on by at each step.
    pub step: usize,
}

impl<B: Stored> Tile<'_, B> {
    /// Carries the tile out.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self) {
        let (width, rows, columns) = (S::PANEL_VECTORS * LANES, self.c.rows(), self.c.columns());
        assert!((1..=S::TILE_ROWS).contains(&rows) && (1..=width).contains(&columns), "a tile of a size that has no kernel");
        let (last_row, last_step) = (rows - 1, self.depth.saturating_sub(1));
        if let Start::Row(row) = self.start {
            assert!(row.len() >= columns, "the starting row is shorter than the tile");
        }
        if self.depth > 0 {
            assert!(self.a.len() > last_row * self.a_row + last_step * self.a_step, "A is shorter than the tile");
            assert!(self.b.len() >= last_step * self.b_step + B::reach(columns, width), "B is shorter than the tile");
        }
        // SAFETY: the asserts above are what `tile` asks for.
        unsafe {
            if columns <= LANES {
                self.of_width::<S, 1>()
            } else if S::PANEL_VECTORS == 2 {
                self.of_width::<S, 2>()
            } else {
                unreachable!("no instruction set has wider tiles")
            }
        }
    }

    /// # Safety
    /// As [`tile`].
    #[inline(always)]
    unsafe fn of_width<S: Simd, const VECTORS: usize>(self) {
        let whole = self.c.columns() == VECTORS * LANES;
        // SAFETY: as for this function.
        unsafe { if whole { self.of_height::<S, VECTORS, true>() } else { self.of_height::<S, VECTORS, false>() } }
    }

    /// # Safety
    /// As [`tile`].
    #[inline(always)]
    unsafe fn of_height<S: Simd, const VECTORS: usize, const WHOLE: bool>(self) {
        macro_rules! heights {
            ($($rows:literal)*) => {
                match self.c.rows() {
                    // The first condition is known when compiling: no set gets a kernel too high for its registers.
                    $($rows => if $rows <= S::TILE_ROWS {
                        // SAFETY: as for this function.
                        unsafe { tile::<S, B, $rows, VECTORS, WHOLE>(self) }
                    },)*
                    _ => unreachable!("no instruction set has higher tiles"),
                }
            };
        }
        heights!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    }
}

/// C[ROWS, columns] += A · B with ROWS x VECTORS sums in registers.
///
/// # Safety
/// C has ROWS rows; `a`, `b` and a starting row hold every element that the strides and sizes name, of each row of `b` as many as
/// [`Stored::reach`] says; if `WHOLE`, C has VECTORS * LANES columns.
#[inline(always)]
unsafe fn tile<S: Simd, B: Stored, const ROWS: usize, const VECTORS: usize, const WHOLE: bool>(mut t: Tile<B>) {
    let (c, c_row, columns) = (t.c.as_mut_ptr(), t.c.stride(), t.c.columns());
    let mut sums = [[Vector::<S>::splat(0.0); VECTORS]; ROWS];
    let (from, stride) = match t.start {
        Start::Zero => (None, 0),
        Start::Current => (Some(c.cast_const()), c_row),
        Start::Row(row) => (Some(row.as_ptr()), 0),
    };
    if let Some(from) = from {
        for i in 0..ROWS {
            for v in 0..VECTORS {
                // SAFETY: row i of C, or the starting row, has `columns` values.
                sums[i][v] = unsafe { f32::load::<S, WHOLE>(from.wrapping_add(i * stride), v, columns) };
            }
        }
    }
    let (mut a, mut b) = (t.a.as_ptr(), t.b.as_ptr());
    // A tile that asks for nothing asks for what it has.
    let Ahead { from: mut ahead, step } = t.ahead.unwrap_or(Ahead { from: a, step: 0 });
    for _ in 0..t.depth {
        let mut row = [Vector::<S>::splat(0.0); VECTORS];
        for v in 0..VECTORS {
            // SAFETY: each of `depth` rows of B has as many values as its type reads.
            row[v] = unsafe { B::load::<S, WHOLE>(b, v, columns) };
        }
        for i in 0..ROWS {
            // SAFETY: A has ROWS values at each of `depth` steps.
            let x = Vector::splat(unsafe { *a.wrapping_add(i * t.a_row) });
            for v in 0..VECTORS {
                sums[i][v] = x.mul_add(row[v], sums[i][v]);
            }
        }
        S::prefetch(ahead);
        ahead = ahead.wrapping_byte_add(step);
        (a, b) = (a.wrapping_add(t.a_step), b.wrapping_add(t.b_step));
    }
    for i in 0..ROWS {
        for v in 0..VECTORS {
            let at = c.wrapping_add(i * c_row + v * LANES);
            // SAFETY: row i of C has `columns` values, and no more than those are written.
            unsafe {
                if WHOLE {
                    S::store(sums[i][v].0, at)
                } else {
                    S::store_first(sums[i][v].0, at, columns.saturating_sub(v * LANES).min(LANES))
                }
            }
        }
    }
}

/// c[..] from `start` += a · B, with B in packed panels of `S::PANEL_VECTORS` * LANES columns, each [a.len(), width].
///
/// `c` has the columns of all `panels`, the last of which may be cut short (its padding is zeros).
#[inline(always)]
pub(crate) fn row_times_panels<S: Simd, B: Stored>(a: &[f32], panels: &[B], c: &mut [f32], start: Start) {
    let (depth, width) = (a.len(), S::PANEL_VECTORS * LANES);
    let group = 4 * width;
    for (i, c) in c.chunks_mut(group).enumerate() {
        let panels = &panels[i * group * depth..][..c.len().div_ceil(width) * width * depth];
        let start = match start {
            Start::Row(row) => Start::Row(&row[i * group..][..c.len()]),
            other => other,
        };
        if c.len() == group {
            // SAFETY: four panels and as many columns were sliced above.
            unsafe {
                if S::PANEL_VECTORS == 1 {
                    four_panels::<S, B, 1>(a, panels, c, start)
                } else {
                    four_panels::<S, B, 2>(a, panels, c, start)
                }
            }
        } else {
            for (j, c) in c.chunks_mut(width).enumerate() {
                let start = match start {
                    Start::Row(row) => Start::Row(&row[j * width..][..c.len()]),
                    other => other,
                };
                let (b, columns) = (&panels[j * width * depth..][..width * depth], c.len());
                Tile { depth, a, a_row: 0, a_step: 1, b, b_step: width, c: MatrixMut::new(c, 1, columns), start, ahead: None }.run::<S>();
            }
        }
    }
}

/// One row of A times four whole panels.
///
/// # Safety
/// With W = VECTORS * LANES: `panels` has 4 * a.len() * W values, `c` and a starting row have 4 * W.
#[inline(always)]
unsafe fn four_panels<S: Simd, B: Stored, const VECTORS: usize>(a: &[f32], panels: &[B], c: &mut [f32], start: Start) {
    let width = VECTORS * LANES;
    let mut sums = [[Vector::<S>::splat(0.0); VECTORS]; 4];
    let from = match start {
        Start::Zero => None,
        Start::Current => Some(c.as_ptr()),
        Start::Row(row) => Some(row.as_ptr()),
    };
    if let Some(from) = from {
        for p in 0..4 {
            for v in 0..VECTORS {
                // SAFETY: the row has 4 * width values.
                sums[p][v] = Vector(unsafe { S::load(from.add(p * width + v * LANES)) });
            }
        }
    }
    let mut b = panels.as_ptr();
    for &x in a {
        let x = Vector::splat(x);
        for p in 0..4 {
            for v in 0..VECTORS {
                // SAFETY: panel p has a.len() rows of `width` values.
                let row = unsafe { B::load::<S, true>(b.wrapping_add(p * a.len() * width), v, width) };
                sums[p][v] = x.mul_add(row, sums[p][v]);
            }
        }
        b = b.wrapping_add(width);
    }
    for p in 0..4 {
        for v in 0..VECTORS {
            // SAFETY: c has 4 * width values.
            unsafe { S::store(sums[p][v].0, c.as_mut_ptr().add(p * width + v * LANES)) };
        }
    }
}
