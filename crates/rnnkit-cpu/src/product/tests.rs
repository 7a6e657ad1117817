//! Products against plain loops: in f64 for the value, in the promised order of f32 for the bits.

use super::packed::Panels;
use super::*;
use crate::pool::ThreadPool;
use crate::simd::{Bf16, Isa, Stored};

/// Sizes below, at and above those of tiles, panels and blocks.
const SIZES: [usize; 8] = [1, 3, 7, 13, 17, 33, 61, 100];

/// `length` numbers in about [-1, 1], others for another `salt`.
fn numbers(length: usize, salt: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns * rows).map(|i| values[i % rows * columns + i / rows]).collect()
}

/// x * y + sum as the instruction set rounds it.
fn multiply_add(isa: Isa, x: f32, y: f32, sum: f32) -> f32 {
    if isa.is_fused() { x.mul_add(y, sum) } else { x * y + sum }
}

/// start + a · b with one chain of multiply-adds for each element.
fn chains(isa: Isa, a: &[f32], b: &[f32], start: &[f32], (m, k, n): (usize, usize, usize)) -> Vec<f32> {
    let chain = |i: usize| (0..k).fold(start[i], |sum, p| multiply_add(isa, a[i / n * k + p], b[p * n + i % n], sum));
    (0..m * n).map(chain).collect()
}

/// start + a · b in f64.
fn exact(a: &[f32], b: &[f32], start: &[f32], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
    let sum = |i: usize| (0..k).map(|p| f64::from(a[i / n * k + p]) * f64::from(b[p * n + i % n])).sum::<f64>();
    (0..m * n).map(|i| f64::from(start[i]) + sum(i)).collect()
}

fn assert_bits(got: &[f32], want: &[f32], what: &str) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!(g.to_bits() == w.to_bits(), "{what}: element {i} is {g}, not {w}");
    }
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPool::new(threads).expect("a few threads")
}

fn packed(packing: impl Into<Packing>, k: usize, n: usize, source: Source) -> PackedMatrix {
    let mut matrix = PackedMatrix::new(packing, k, n).expect("memory for a small matrix");
    matrix.pack(&pool(1), source);
    matrix
}

fn bf16(isa: Isa) -> Packing {
    Packing { isa, precision: Precision::Bf16 }
}

/// The numbers of all panels, padding included, widened to f32.
fn panels(matrix: &PackedMatrix) -> Vec<f32> {
    match matrix.panels() {
        Panels::F32(panels) => panels.to_vec(),
        Panels::Bf16(panels) => panels.iter().map(|number| number.widen()).collect(),
    }
}

#[test]
fn products_are_those_of_f64_within_rounding() {
    for isa in Isa::available() {
        for m in [1, 2, 13, 17] {
            for (k, n) in [(1, 1), (7, 33), (61, 17), (300, 61)] {
                let (a, b, start) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
                let mut c = start.clone();
                let matrix = packed(isa, k, n, Source::RowMajor(&b));
                multiply(Matrix::new(&a, m, k), &matrix, MatrixMut::new(&mut c, m, n), Start::Current);
                for (i, (&got, want)) in c.iter().zip(exact(&a, &b, &start, (m, k, n))).enumerate() {
                    // Rounding errors of k sums of size sqrt(k) at most.
                    let allowed = 1e-7 * (k as f64) * (k as f64).sqrt() + 1e-7;
                    assert!((f64::from(got) - want).abs() <= allowed, "{isa:?} [{m}, {k}, {n}] element {i}: {got}, not {want}");
                }
            }
        }
    }
}

#[test]
fn every_element_is_one_chain_in_the_order_of_k_at_every_shape() {
    for isa in Isa::available() {
        for m in SIZES.into_iter().chain([2, 14, 15, 16, 28]) {
            for k in [1, 3, 17, 61, 256, 259] {
                for n in [1, 7, 13, 16, 32, 33, 61, 64, 131, 256] {
                    let (a, b, current, bias) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3), numbers(n, 4));
                    let matrix = packed(isa, k, n, Source::RowMajor(&b));
                    let starts = [(Start::Zero, vec![0.0; m * n]), (Start::Current, current.clone()), (Start::Row(&bias), bias.repeat(m))];
                    for (start, initial) in starts {
                        let mut c = current.clone();
                        multiply(Matrix::new(&a, m, k), &matrix, MatrixMut::new(&mut c, m, n), start);
                        assert_bits(&c, &chains(isa, &a, &b, &initial, (m, k, n)), &format!("{isa:?} [{m}, {k}, {n}] {start:?}"));
                    }
                }
            }
        }
    }
}

#[test]
fn a_transposed_source_and_any_number_of_packing_threads_give_the_same_matrix() {
    for isa in Isa::available() {
        for k in SIZES {
            for n in SIZES {
                let b = numbers(k * n, 5);
                let expected = panels(&packed(isa, k, n, Source::RowMajor(&b)));
                let across = transposed(&b, k, n);
                for threads in [1, 3] {
                    let mut matrix = PackedMatrix::new(isa, k, n).expect("memory for a small matrix");
                    matrix.pack(&pool(threads), Source::Transposed(&across));
                    assert_bits(&panels(&matrix), &expected, &format!("[{k}, {n}]"));
                }
            }
        }
    }
}

#[test]
fn a_product_with_weights_in_bf16_has_the_bits_of_one_in_f32_with_weights_rounded_beforehand() {
    for isa in Isa::available() {
        for m in [1, 2, 13, 14, 17] {
            for k in [1, 17, 61, 259] {
                for n in [1, 13, 16, 32, 33, 61, 131, 256] {
                    let (a, b, start) = (numbers(m * k, 1), numbers(k * n, 2), numbers(m * n, 3));
                    let rounded: Vec<f32> = b.iter().map(|&x| Bf16::nearest(x).widen()).collect();
                    assert!(k * n < 10 || rounded != b, "the numbers need rounding");
                    let want = chains(isa, &a, &rounded, &start, (m, k, n));
                    for source in [Source::RowMajor(&b), Source::Transposed(&transposed(&b, k, n))] {
                        let mut c = start.clone();
                        let matrix = packed(bf16(isa), k, n, source);
                        multiply(Matrix::new(&a, m, k), &matrix, MatrixMut::new(&mut c, m, n), Start::Current);
                        assert_bits(&c, &want, &format!("{isa:?} [{m}, {k}, {n}]"));
                    }
                }
            }
        }
    }
}

#[test]
fn strided_rows_are_read_and_written_in_place_and_nothing_between_them() {
    for isa in Isa::available() {
        for (m, k, n) in [(1, 3, 5), (13, 17, 33), (5, 61, 100)] {
            let (a, b) = (numbers(m * (k + 2), 1), numbers(k * n, 2));
            let dense: Vec<f32> = a.chunks(k + 2).flat_map(|row| row[..k].to_vec()).collect();
            let want = chains(isa, &dense, &b, &vec![0.0; m * n], (m, k, n));
            let mut c = vec![9.0; m * (n + 3)];
            let matrix = packed(isa, k, n, Source::RowMajor(&b));
            multiply(Matrix::with_stride(&a, m, k, k + 2), &matrix, MatrixMut::with_stride(&mut c, m, n, n + 3), Start::Zero);
            for (row, want) in c.chunks(n + 3).zip(want.chunks(n)) {
                assert_bits(&row[..n], want, "a row");
                assert_eq!(row[n..], [9.0; 3], "between the rows");
            }
        }
    }
}

#[test]
fn ranges_of_panels_make_the_same_bits_as_the_whole() {
    for isa in Isa::available() {
        for (m, k, n) in [(1, 61, 300), (13, 61, 300)] {
            let (a, b, bias) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n, 3));
            for packing in [isa.into(), bf16(isa)] {
                let matrix = packed(packing, k, n, Source::RowMajor(&b));
                let mut whole = vec![0.0; m * n];
                multiply(Matrix::new(&a, m, k), &matrix, MatrixMut::new(&mut whole, m, n), Start::Row(&bias));
                let middle = matrix.shape().panels() / 3;
                for panels in [0..middle, middle..matrix.shape().panels()] {
                    let columns = matrix.shape().columns_of(&panels);
                    let mut part = vec![0.0; m * columns.len()];
                    let c = MatrixMut::new(&mut part, m, columns.len());
                    multiply_panels(
                        Matrix::new(&a, m, k),
                        &matrix,
                        panels,
                        c,
                        Start::Row(&bias[columns.clone()]),
                        Turn { number: 1, of: 3 },
                    );
                    let want: Vec<f32> = whole.chunks(n).flat_map(|row| row[columns.clone()].to_vec()).collect();
                    assert_bits(&part, &want, &format!("a range of {packing:?}"));
                }
            }
        }
    }
}

#[test]
fn outer_products_are_chains_in_the_order_of_the_rows_at_every_shape_and_cut() {
    for isa in Isa::available() {
        for rows in [1, 7, 61, 300] {
            for p in SIZES {
                for q in [1, 5, 8, 9, 13, 16, 33, 64, 100] {
                    let (a, b, start) = (numbers(rows * p, 1), numbers(rows * q, 2), numbers(p * q, 3));
                    let want = chains(isa, &transposed(&a, rows, p), &b, &start, (p, rows, q));
                    let mut whole = start.clone();
                    outer_accumulate(isa, Matrix::new(&a, rows, p), Matrix::new(&b, rows, q), MatrixMut::new(&mut whole, p, q));
                    assert_bits(&whole, &want, &format!("{isa:?} [{rows}, {p}, {q}]"));

                    let (mut blocks, half) = (start, p / 2);
                    for columns in [0..half, half..p] {
                        let block = &mut blocks[columns.start * q..columns.end * q];
                        for part in [0..rows / 3, rows / 3..rows] {
                            let a = Matrix::with_stride(&a[part.start * p + columns.start..], part.len(), columns.len(), p);
                            let b = Matrix::new(&b[part.start * q..], part.len(), q);
                            outer_accumulate(isa, a, b, MatrixMut::new(block, columns.len(), q));
                        }
                    }
                    assert_bits(&blocks, &want, "in blocks");
                }
            }
        }
    }
}

#[test]
fn outer_products_of_rows_far_apart_are_the_same_chains_from_any_pieces() {
    // Rows 1024 values apart are packed: more of them, and more columns, than are packed at once.
    let (rows, p, q, stride) = (300, 270, 261, 1024);
    assert!(strides_conflict(stride) && !strides_conflict(p));
    let (a, b, start) = (numbers(rows * stride, 1), numbers(rows * q, 2), numbers(p * q, 3));
    let dense: Vec<f32> = a.chunks(stride).flat_map(|row| row[..p].to_vec()).collect();
    let across = transposed(&dense, rows, p);
    for isa in Isa::available() {
        for (adds, initial) in [(true, start.clone()), (false, vec![0.0; p * q])] {
            let want = chains(isa, &across, &b, &initial, (p, rows, q));
            for cuts in [vec![0, rows], vec![0, 7, 7, 263, rows]] {
                let piece = |number: usize| {
                    let part = *cuts.get(number)?..*cuts.get(number + 1)?;
                    let a = if part.is_empty() { &[][..] } else { &a[part.start * stride..] };
                    Some((Matrix::with_stride(a, part.len(), p, stride), Matrix::new(&b[part.start * q..part.end * q], part.len(), q)))
                };
                let mut dst = start.clone();
                outer(isa, piece, MatrixMut::new(&mut dst, p, q), adds);
                assert_bits(&dst, &want, &format!("{isa:?}, cut at {cuts:?}, adds: {adds}"));
            }
        }
    }
}

#[test]
fn an_outer_product_of_no_rows_is_zero_or_what_was_there() {
    for (stride, q) in [(3, 2), (3, 5), (1024, 300)] {
        for adds in [false, true] {
            let none = |number: usize| (number == 0).then(|| (Matrix::with_stride(&[], 0, 3, stride), Matrix::new(&[], 0, q)));
            let mut dst = vec![2.0; 3 * q];
            outer(Isa::best(), none, MatrixMut::new(&mut dst, 3, q), adds);
            assert!(dst.iter().all(|&x| x == if adds { 2.0 } else { 0.0 }));
        }
    }
}

#[test]
fn a_product_without_rows_does_nothing_and_one_without_terms_is_its_start() {
    let isa = Isa::best();
    let matrix = packed(isa, 3, 5, Source::RowMajor(&numbers(15, 1)));
    multiply(Matrix::new(&[], 0, 3), &matrix, MatrixMut::new(&mut [], 0, 5), Start::Zero);
    let mut dst = [2.0; 6];
    outer_accumulate(isa, Matrix::new(&[], 0, 2), Matrix::new(&[], 0, 3), MatrixMut::new(&mut dst, 2, 3));
    assert_eq!(dst, [2.0; 6]);
}

#[test]
#[should_panic(expected = "the columns of A are the rows of B")]
fn shapes_that_do_not_meet_are_refused() {
    let matrix = PackedMatrix::new(Isa::best(), 4, 5).expect("memory for a small matrix");
    multiply(Matrix::new(&[0.0; 6], 2, 3), &matrix, MatrixMut::new(&mut [0.0; 10], 2, 5), Start::Zero);
}
