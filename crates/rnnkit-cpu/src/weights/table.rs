//! [`Table`]: the columns of a weight as rows, for inputs that are symbol ids.

use std::ops::Range;

use rnnkit_core::Result;

use super::bias::Bias;
use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::simd::LANES;

/// The columns of a weight, each a row with the bias added.
pub struct Table {
    weight: Range<usize>,
    /// [V + 1, P]: the last row, of no symbol, is the bias alone.
    rows: Aligned,
    bias_of: Bias,
    /// P.
    pub width: usize,
}

impl Table {
    /// The table of a weight [P, V] with P = `width`.
    pub fn new(weight: &Range<usize>, width: usize, bias_of: Bias) -> Result<Self> {
        Ok(Self { weight: weight.clone(), rows: Aligned::zeros(weight.len() + width)?, bias_of, width })
    }

    /// Takes the weights of the flat buffer.
    pub fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        let (width, weight) = (self.width, &parameters[self.weight.clone()]);
        let symbols = weight.len() / width;
        let bias_of = self.bias_of.clone();
        let (rows, no_symbol) = self.rows.split_at_mut(weight.len());
        bias_of.write(parameters, no_symbol);
        // In blocks of as many symbols as fill a cache line of the weight, so that each line is read once.
        pool.for_each_chunk(rows, LANES * width, |block, rows| {
            for row in rows.chunks_exact_mut(width) {
                bias_of.write(parameters, row);
            }
            let first = block * LANES;
            let count = rows.len() / width;
            for (p, weights) in weight.chunks_exact(symbols).enumerate() {
                for (row, &w) in weights[first..first + count].iter().enumerate() {
                    rows[row * width + p] += w;
                }
            }
        });
    }

    /// The row of a symbol, or of V, which is none.
    pub fn row(&self, id: u32) -> &[f32] {
        &self.rows[id as usize * self.width..(id as usize + 1) * self.width]
    }
}
