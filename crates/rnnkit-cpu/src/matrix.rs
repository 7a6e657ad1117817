//! Row-major matrices in borrowed memory, checked once when they are made.

use std::marker::PhantomData;
use std::ops::Range;

/// A row-major matrix that is read.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
}

/// A row-major matrix that is written: some columns of rows that may be longer, and nothing between them, so that several threads may
/// write their own columns of the same rows.
pub struct MatrixMut<'a> {
    start: *mut f32,
    rows: usize,
    columns: usize,
    stride: usize,
    memory: PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for an exclusive borrow of f32.
unsafe impl Send for MatrixMut<'_> {}
// SAFETY: what a shared reference to it lets one do without `unsafe` is to read its sizes.
unsafe impl Sync for MatrixMut<'_> {}

/// How many values `rows` rows need.
fn needed(rows: usize, columns: usize, stride: usize) -> usize {
    assert!(columns <= stride || rows <= 1, "rows of {columns} columns overlap at a stride of {stride}");
    let last = rows.saturating_sub(1).checked_mul(stride).and_then(|last| last.checked_add(columns));
    if rows == 0 { 0 } else { last.expect("a matrix lies in memory") }
}

fn check(length: usize, rows: usize, columns: usize, stride: usize) {
    let needed = needed(rows, columns, stride);
    assert!(length >= needed, "{rows} rows of {columns} columns at a stride of {stride} need {needed} values, got {length}");
}

impl<'a> Matrix<'a> {
    /// `[rows, columns]` with rows one after the other.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// `[rows, columns]` with rows `stride` values apart.
    pub fn with_stride(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        check(values.len(), rows, columns, stride);
        Self { values, rows, columns, stride }
    }

    /// Row `row`.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.stride..row * self.stride + self.columns]
    }

    /// Those columns of all rows.
    pub fn columns(self, columns: &Range<usize>) -> Self {
        if self.rows == 0 {
            return Self { columns: columns.len(), ..self };
        }
        assert!(columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        Self::with_stride(&self.values[columns.start..], self.rows, columns.len(), self.stride)
    }
}

impl<'a> MatrixMut<'a> {
    /// `[rows, columns]` with rows one after the other.
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// `[rows, columns]` with rows `stride` values apart.
    pub fn with_stride(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        check(values.len(), rows, columns, stride);
        Self { start: values.as_mut_ptr(), rows, columns, stride, memory: PhantomData }
    }

    /// How many rows it has.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    #[inline(always)]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Values from one row to the next.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `row`.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        // SAFETY: the row's columns are ours alone, and borrowed from us.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.columns) }
    }

    /// Some rows and columns of it, borrowed from it.
    #[inline(always)]
    pub fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> MatrixMut<'_> {
        // SAFETY: we are borrowed exclusively for as long as the part lives.
        unsafe { self.shared_part(rows, columns) }
    }

    /// All of it, borrowed from it.
    #[inline(always)]
    pub fn all(&mut self) -> MatrixMut<'_> {
        self.part(0..self.rows, 0..self.columns)
    }

    /// Some rows and columns of it.
    ///
    /// # Safety
    /// While the part lives, nobody else reads or writes those rows at those columns.
    #[inline(always)]
    pub unsafe fn shared_part(&self, rows: Range<usize>, columns: Range<usize>) -> MatrixMut<'a> {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(columns.start <= columns.end && columns.end <= self.columns, "columns {columns:?} of {}", self.columns);
        // An empty part at the end must not point past the memory.
        let offset = if rows.is_empty() || columns.is_empty() { 0 } else { rows.start * self.stride + columns.start };
        // SAFETY: inside the memory, as the asserts say.
        let start = unsafe { self.start.add(offset) };
        Self { start, rows: rows.len(), columns: columns.len(), stride: self.stride, memory: PhantomData }
    }

    /// Where a value lies; who may touch it, and what lies beside it, is the caller's to know.
    #[inline(always)]
    pub fn at(&self, row: usize, column: usize) -> *mut f32 {
        assert!(row < self.rows && column < self.columns, "row {row} of {}, column {column} of {}", self.rows, self.columns);
        // SAFETY: inside the memory.
        unsafe { self.start.add(row * self.stride + column) }
    }

    /// What some rows hold.
    ///
    /// # Safety
    /// While it is read, nobody writes those rows, at any column.
    #[inline(always)]
    pub unsafe fn shared_rows(&self, rows: Range<usize>) -> &'a [f32] {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(self.columns == self.stride, "whole rows");
        // SAFETY: inside the memory; the caller vouches that nobody writes.
        unsafe { std::slice::from_raw_parts(self.start.add(rows.start * self.stride), rows.len() * self.stride) }
    }

    /// Zeros.
    pub fn clear(&mut self) {
        (0..self.rows).for_each(|row| self.row(row).fill(0.0));
    }

    /// Its first value, for register tiles.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_need_not_be_padded_to_the_stride() {
        Matrix::with_stride(&[0.0; 8], 2, 3, 5);
        Matrix::new(&[], 0, 3);
    }

    #[test]
    #[should_panic(expected = "need 8 values, got 7")]
    fn memory_too_short_for_the_shape_is_refused() {
        Matrix::with_stride(&[0.0; 7], 2, 3, 5);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_rows_are_refused() {
        MatrixMut::with_stride(&mut [0.0; 7], 2, 3, 2);
    }

    #[test]
    fn a_part_writes_its_rows_and_columns_and_nothing_else() {
        let mut values = [0.0; 12];
        let mut matrix = MatrixMut::new(&mut values, 3, 4);
        matrix.part(1..3, 1..3).row(1).fill(1.0);
        matrix.row(0)[3] = 2.0;
        assert_eq!(values, [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn parts_of_different_columns_may_be_written_by_threads_at_once() {
        let mut values = [0.0; 8];
        let matrix = MatrixMut::new(&mut values, 2, 4);
        std::thread::scope(|scope| {
            for half in 0..2 {
                // SAFETY: each thread has columns of its own.
                let mut part = unsafe { matrix.shared_part(0..2, 2 * half..2 * half + 2) };
                scope.spawn(move || part.row(1).fill(1.0 + half as f32));
            }
        });
        assert_eq!(values, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "columns 2..5 of 4")]
    fn a_part_beyond_the_matrix_is_refused() {
        MatrixMut::new(&mut [0.0; 8], 2, 4).part(0..1, 2..5);
    }
}
