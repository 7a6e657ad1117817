//! The three products of a linear map y = W x + b, row by row.

use crate::math::Scalar;

/// `out` [rows, P] = `x` [rows, Q] · `w` [P, Q]ᵀ + `bias` [P].
pub fn affine<R: Scalar>(out: &mut [R], x: &[R], w: &[R], bias: &[R]) {
    let (p, q) = (bias.len(), w.len() / bias.len());
    for (out, x) in out.chunks_exact_mut(p).zip(x.chunks_exact(q)) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = bias[i] + dot(x, &w[i * q..(i + 1) * q]);
        }
    }
}

/// `out` [rows, P] = columns `ids` [rows] of `w` [P, Q] + `bias` [P]: the affine map of one-hot rows. An id of Q is no symbol: `bias`.
pub fn pick_columns<R: Scalar>(out: &mut [R], ids: &[u32], w: &[R], bias: &[R]) {
    let (p, q) = (bias.len(), w.len() / bias.len());
    for (out, &id) in out.chunks_exact_mut(p).zip(ids) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = if (id as usize) < q { bias[i] + w[i * q + id as usize] } else { bias[i] };
        }
    }
}

/// `dx` [rows, Q] = `dy` [rows, P] · `w` [P, Q].
pub fn back<R: Scalar>(dx: &mut [R], dy: &[R], w: &[R], p: usize) {
    let q = w.len() / p;
    for (dx, dy) in dx.chunks_exact_mut(q).zip(dy.chunks_exact(p)) {
        for (j, dx) in dx.iter_mut().enumerate() {
            let mut sum = R::default();
            for (i, &dy) in dy.iter().enumerate() {
                sum += dy * w[i * q + j];
            }
            *dx = sum;
        }
    }
}

/// `dw` [P, Q] += `dy` [rows, P]ᵀ · `x` [rows, Q].
pub fn add_outer<R: Scalar>(dw: &mut [R], dy: &[R], x: &[R], p: usize) {
    let q = dw.len() / p;
    for (dy, x) in dy.chunks_exact(p).zip(x.chunks_exact(q)) {
        for (dw, &dy) in dw.chunks_exact_mut(q).zip(dy) {
            for (dw, &x) in dw.iter_mut().zip(x) {
                *dw += dy * x;
            }
        }
    }
}

/// `dw` [P, Q]: column `ids[row]` += `dy` [rows, P], row by row; an id of Q is no symbol.
pub fn add_to_columns<R: Scalar>(dw: &mut [R], dy: &[R], ids: &[u32], p: usize) {
    let q = dw.len() / p;
    for (dy, &id) in dy.chunks_exact(p).zip(ids).filter(|(_, id)| (**id as usize) < q) {
        for (i, &dy) in dy.iter().enumerate() {
            dw[i * q + id as usize] += dy;
        }
    }
}

/// `db` [P] += sum over rows of `dy` [rows, P].
pub fn add_rows<R: Scalar>(db: &mut [R], dy: &[R]) {
    for dy in dy.chunks_exact(db.len()) {
        for (db, &dy) in db.iter_mut().zip(dy) {
            *db += dy;
        }
    }
}

fn dot<R: Scalar>(a: &[R], b: &[R]) -> R {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}
