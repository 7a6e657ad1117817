//! Row-major matrices in borrowed memory, checked once when they are made.

/// A row-major matrix that is read.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

/// A row-major matrix that is written.
pub struct MatrixMut<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

fn check(length: usize, rows: usize, columns: usize, stride: usize) {
    assert!(columns <= stride || rows <= 1, "rows of {columns} columns overlap at a stride of {stride}");
    let needed = if rows == 0 { 0 } else { (rows - 1) * stride + columns };
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
}

impl<'a> MatrixMut<'a> {
    /// `[rows, columns]` with rows one after the other.
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// `[rows, columns]` with rows `stride` values apart.
    pub fn with_stride(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        check(values.len(), rows, columns, stride);
        Self { values, rows, columns, stride }
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
}
