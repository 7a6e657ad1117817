//! [`GateMaps`]: a map of rows, for all gates at once, or for each gate apart where dropout gives every gate an x of its own.

use std::ops::Range;

use rnnkit_core::Result;

use super::bias::Bias;
use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::product::{Matrix, MatrixMut, PackedMatrix, Source, Start, multiply};
use crate::simd::Isa;

/// y = W x + b with W [P, Q]: in one piece, or one for each gate where every gate has an x of its own, [copies, Q] in a row.
pub struct GateMaps {
    maps: Vec<Affine>,
}

/// y = W x + b with W [P, Q]: packed both ways.
struct Affine {
    /// Where W and b lie in the flat buffer.
    weight: Range<usize>,
    /// Of x: [Q, P] = Wᵀ.
    forward: PackedMatrix,
    /// Of dy: [P, Q] = W; `None` where there is no way back.
    backward: Option<PackedMatrix>,
    /// b [P], as `bias_of` says.
    bias: Aligned,
    bias_of: Bias,
}

impl GateMaps {
    /// A map with P = `rows` whose input rows hold x `copies` times.
    pub fn new(isa: Isa, weight: &Range<usize>, [rows, copies]: [usize; 2], bias_of: Bias, training: bool) -> Result<Self> {
        let (size, len) = (rows / copies, weight.len() / copies);
        let map = |gate: usize| {
            let weight = weight.start + gate * len..weight.start + (gate + 1) * len;
            let bias = if copies == 1 { bias_of.clone() } else { bias_of.of_gate(gate, size) };
            Affine::new(isa, &weight, size, bias, training)
        };
        Ok(Self { maps: (0..copies).map(map).collect::<Result<_>>()? })
    }

    /// Takes the weights of the flat buffer.
    pub fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        self.maps.iter_mut().for_each(|map| map.pack(pool, parameters));
    }

    /// `out` [rows, P] = the map of `x` [rows, copies, Q]: from the bias, or added to what is there.
    pub fn forward(&self, x: &[f32], rows: usize, out: &mut [f32], from_bias: bool) {
        for (gate, map) in self.maps.iter().enumerate() {
            let start = if from_bias { Start::Row(&map.bias) } else { Start::Current };
            let (x, out) = (self.x(x, rows, gate), self.y_mut(out, rows, gate));
            multiply(x, &map.forward, out, start);
        }
    }

    /// `dx` [rows, copies, Q] = the way back of `dy` [rows, P], or added to what is there; nothing of a map made without one.
    pub fn back(&self, dy: &[f32], rows: usize, dx: &mut [f32], start: Start) {
        let copies = self.maps.len();
        for (gate, map) in self.maps.iter().enumerate() {
            let Some(backward) = &map.backward else { return };
            let (size, q) = (map.forward.shape().n(), map.forward.shape().k());
            let dy = Matrix::with_stride(&dy[gate * size..], rows, size, copies * size);
            let dx = MatrixMut::with_stride(&mut dx[gate * q..], rows, q, copies * q);
            multiply(dy, backward, dx, start);
        }
    }

    /// Values that a row of x has.
    pub fn width(&self) -> usize {
        self.maps.iter().map(|map| map.forward.shape().k()).sum()
    }

    fn x<'a>(&self, x: &'a [f32], rows: usize, gate: usize) -> Matrix<'a> {
        let q = self.maps[gate].forward.shape().k();
        Matrix::with_stride(&x[gate * q..], rows, q, self.maps.len() * q)
    }

    fn y_mut<'a>(&self, y: &'a mut [f32], rows: usize, gate: usize) -> MatrixMut<'a> {
        let size = self.maps[gate].forward.shape().n();
        MatrixMut::with_stride(&mut y[gate * size..], rows, size, self.maps.len() * size)
    }
}

impl Affine {
    fn new(isa: Isa, weight: &Range<usize>, p: usize, bias_of: Bias, training: bool) -> Result<Self> {
        let q = weight.len() / p;
        Ok(Self {
            weight: weight.clone(),
            forward: PackedMatrix::new(isa, q, p)?,
            backward: training.then(|| PackedMatrix::new(isa, p, q)).transpose()?,
            bias: Aligned::zeros(p)?,
            bias_of,
        })
    }

    fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        let weight = &parameters[self.weight.clone()];
        self.forward.pack(pool, Source::Transposed(weight));
        if let Some(backward) = &mut self.backward {
            backward.pack(pool, Source::RowMajor(weight));
        }
        self.bias_of.write(parameters, &mut self.bias);
    }
}
