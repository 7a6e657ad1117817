//! The plain loops that the products are checked against and measured beside.

/// a `[m, k]` · b `[k, n]`.
pub fn product(a: &[f32], b: &[f32], [m, k, n]: [usize; 3]) -> Vec<f32> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + p] * b[p * n + j];
            }
        }
    }
    c
}

/// aᵀ · b with a `[rows, p]` and b `[rows, q]`.
pub fn outer(a: &[f32], b: &[f32], [rows, p, q]: [usize; 3]) -> Vec<f32> {
    let mut c = vec![0.0; p * q];
    for row in 0..rows {
        for i in 0..p {
            for j in 0..q {
                c[i * q + j] += a[row * p + i] * b[row * q + j];
            }
        }
    }
    c
}

/// Panics unless both results are sums of the same `terms` products of numbers in [-1, 1].
///
/// Rounding keeps two such sums within 1e-6 a term of each other; one wrong operand moves a sum by much more.
pub fn assert_same_sums(what: &str, got: &[f32], want: &[f32], terms: usize) {
    assert_eq!(got.len(), want.len(), "{what}: results of one length");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 1e-6 * terms as f32, "{what}: element {i} is {got}, the plain loop has {want}");
    }
}
