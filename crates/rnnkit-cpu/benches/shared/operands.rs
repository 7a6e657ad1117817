//! Products to measure: operands, the ways to share one out to threads, and how many operations it takes.

use super::plain;
use rnnkit_cpu::pool::ThreadPool;
use rnnkit_cpu::product::{Matrix, MatrixMut, PackedMatrix, Source, Start, Turn, multiply, multiply_panels, outer_accumulate};
use rnnkit_cpu::simd::Isa;

/// `count` numbers in about [-1, 1], others for another `salt`.
fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// a `[m, k]` times b `[k, n]`, b packed beforehand as the weights of a layer are.
pub struct Packed {
    /// Rows m of a, k, and columns n of b.
    pub shape: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    weights: PackedMatrix,
}

impl Packed {
    /// Draws the operands and packs b.
    pub fn new(isa: Isa, shape: [usize; 3]) -> Self {
        let [m, k, n] = shape;
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let mut weights = PackedMatrix::new(isa, k, n).expect("memory for one matrix");
        weights.pack(&ThreadPool::new(1).expect("the caller's thread alone"), Source::RowMajor(&b));
        Self { shape, a, b, weights }
    }

    /// `[64,512]x[512,2048]`.
    pub fn name(&self) -> String {
        let [m, k, n] = self.shape;
        format!("[{m},{k}]x[{k},{n}]")
    }

    /// Floating-point operations of the product.
    pub fn flops(&self) -> u64 {
        2 * self.shape.map(|size| size as u64).iter().product::<u64>()
    }

    /// c `[m, n]`, each thread with rows of its own: lanes.
    pub fn by_rows(&self, pool: &ThreadPool, c: &mut [f32]) {
        let [m, k, n] = self.shape;
        let rows = m.div_ceil(pool.threads());
        pool.for_each_chunk(c, rows * n, |i, c| {
            let height = c.len() / n;
            multiply(Matrix::new(&self.a[i * rows * k..], height, k), &self.weights, MatrixMut::new(c, height, n), Start::Zero);
        });
    }

    /// The same with columns of its own for each thread: `c` holds one `[m, columns]` for each, from [`Packed::columns`].
    pub fn by_columns(&self, pool: &ThreadPool, c: &mut [Vec<f32>]) {
        let ([m, k, _], panels, parts) = (self.shape, self.weights.shape().panels(), c.len());
        pool.for_each(c, |i, c| {
            let columns = c.len() / m;
            let (a, panels) = (Matrix::new(&self.a, m, k), i * panels / parts..(i + 1) * panels / parts);
            multiply_panels(a, &self.weights, panels, MatrixMut::new(c, m, columns), Start::Zero, Turn::ONLY);
        });
    }

    /// The plain loop's product `[m, n]`.
    pub fn plain(&self) -> Vec<f32> {
        plain::product(&self.a, &self.b, self.shape)
    }

    /// Panics unless both ways to share the product out give what the plain loop gives.
    pub fn check(&self, pool: &ThreadPool) {
        let ([m, k, n], want) = (self.shape, self.plain());
        let mut whole = vec![0.0; m * n];
        self.by_rows(pool, &mut whole);
        plain::assert_same_sums(&self.name(), &whole, &want, k);
        let mut parts = self.columns(pool.threads());
        self.by_columns(pool, &mut parts);
        whole.clear();
        for row in 0..m {
            parts.iter().for_each(|part| whole.extend(&part[row * part.len() / m..(row + 1) * part.len() / m]));
        }
        plain::assert_same_sums(&self.name(), &whole, &want, k);
    }

    /// Zeros `[m, columns]` for each of `parts` shares of whole panels.
    pub fn columns(&self, parts: usize) -> Vec<Vec<f32>> {
        let ([m, _, n], shape) = (self.shape, self.weights.shape());
        let edge = |part: usize| n.min(part * shape.panels() / parts * shape.panel_width());
        (0..parts).map(|part| vec![0.0; m * (edge(part + 1) - edge(part))]).collect()
    }
}

/// aᵀ · b over the rows of a `[rows, p]` and b `[rows, q]`, as the gradients of weights are made.
pub struct Outer {
    isa: Isa,
    /// Rows, p and q.
    pub shape: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Outer {
    /// Draws the operands.
    pub fn new(isa: Isa, shape: [usize; 3]) -> Self {
        let [rows, p, q] = shape;
        Self { isa, shape, a: numbers(rows * p, 1), b: numbers(rows * q, 2) }
    }

    /// `[2500,512]Tx[2500,128]`.
    pub fn name(&self) -> String {
        let [rows, p, q] = self.shape;
        format!("[{rows},{p}]Tx[{rows},{q}]")
    }

    /// Floating-point operations of the product.
    pub fn flops(&self) -> u64 {
        2 * self.shape.map(|size| size as u64).iter().product::<u64>()
    }

    /// dst `[p, q]` set to the product, each thread with rows of its own.
    pub fn by_rows(&self, pool: &ThreadPool, dst: &mut [f32]) {
        let [rows, p, q] = self.shape;
        let height = p.div_ceil(pool.threads());
        pool.for_each_chunk(dst, height * q, |i, dst| {
            dst.fill(0.0);
            let columns = dst.len() / q;
            let a = Matrix::with_stride(&self.a[i * height..], rows, columns, p);
            outer_accumulate(self.isa, a, Matrix::new(&self.b, rows, q), MatrixMut::new(dst, columns, q));
        });
    }

    /// The plain loop's product `[p, q]`.
    pub fn plain(&self) -> Vec<f32> {
        plain::outer(&self.a, &self.b, self.shape)
    }

    /// Panics unless the product is what the plain loop gives.
    pub fn check(&self, pool: &ThreadPool) {
        let [rows, p, q] = self.shape;
        let mut got = vec![0.0; p * q];
        self.by_rows(pool, &mut got);
        plain::assert_same_sums(&self.name(), &got, &self.plain(), rows);
    }
}
