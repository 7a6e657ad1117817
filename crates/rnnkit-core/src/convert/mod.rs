//! Weights as Keras 3 (TensorFlow 2) and TensorFlow 1 keep them, turned into this project's tensors, which are PyTorch's.
//!
//! | | here | Keras | TensorFlow 1 |
//! | --- | --- | --- | --- |
//! | weights | [G·H, I] and [G·H, H] | `kernel` [I, G·H], `recurrent_kernel` [H, G·H] | one `kernel` [I + H, G·H], x before h |
//! | LSTM gates | i, f, g, o | i, f, c, o: the same | i, j, f, o (j = g) |
//! | LSTM biases | two [4·H] | one [4·H], the forget bias in it | one [4·H], `forget_bias` added to it at run time |
//! | GRU gates | r, z, n | z, r, h (h = n) | r, u in one kernel, the candidate in another |
//! | GRU reset | r·(W h + b) | the same with `reset_after=True`, `bias` [2, 3·H] | W (r·h) |
//!
//! A GRU that resets before its recurrent product cannot be converted: no weights of `r·(W h + b)` compute `W (r·h)`. An embedding is
//! the same [V, E] everywhere.

mod dense;
mod keras;
mod tf1;

use crate::cell::CellKind;
use crate::error::{Error, Result};
use crate::memory::zeros;

pub use dense::{DenseTensors, from_dense};
pub use keras::{KerasCell, from_keras};
pub use tf1::from_tf1;

/// An array of a library, or one of this project's tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Row-major, as many as the shape tells.
    pub values: Vec<f32>,
}

/// A recurrent layer's tensors, as [`crate::layout::ParamLayout`] has them.
#[derive(Debug, Clone, PartialEq)]
pub struct CellTensors {
    /// [G·H, I].
    pub weight_ih: Array,
    /// [G·H, H].
    pub weight_hh: Array,
    /// [G·H].
    pub bias_ih: Array,
    /// [G·H].
    pub bias_hh: Array,
}

const NO_GRU: &str =
    "a GRU that resets before its recurrent product cannot be converted: its candidate has W (r * h), this project's r * (W h + b)";

impl Array {
    /// Rows and columns.
    fn matrix(&self, field: &str) -> Result<[usize; 2]> {
        match self.shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
            _ => Err(self.unfit(field, "of shape [rows, columns], neither of them 0")),
        }
    }

    /// Refuses any other shape.
    fn check_shape(&self, field: &str, shape: &[usize]) -> Result<()> {
        if self.shape == shape { Ok(()) } else { Err(self.unfit(field, &format!("of shape {shape:?}"))) }
    }

    /// Refuses another number of values than the shape tells.
    fn check_values(&self, field: &str) -> Result<()> {
        let expected = self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if expected == Some(self.values.len()) {
            return Ok(());
        }
        Err(self.unfit(field, &format!("of as many values as its shape tells, not {}", self.values.len())))
    }

    fn unfit(&self, field: &str, expected: &str) -> Error {
        Error::invalid(field, format!("of shape {:?}", self.shape), expected)
    }
}

/// Where the rows of this project's tensors stand among a library's columns.
struct Columns {
    /// G·H.
    of_rows: Vec<usize>,
}

impl Columns {
    /// `stored`: the cell's gates in the library's order, by this project's names; `size`: H.
    fn new(cell: CellKind, stored: &[&str], size: usize) -> Result<Self> {
        let mut of_rows = Vec::with_capacity(cell.gates() * size);
        for name in cell.gate_names() {
            let block = stored.iter().position(|stored| stored == name);
            let block = block.ok_or_else(|| Error::internal(format!("the library's gates {stored:?} lack {name}")))?;
            of_rows.extend(block * size..(block + 1) * size);
        }
        Ok(Self { of_rows })
    }

    /// [rows, G·H] of a library as [G·H, rows].
    fn weight(&self, values: &[f32], rows: usize) -> Result<Array> {
        let width = self.of_rows.len();
        let mut weight = zeros(values.len())?;
        for (to, &column) in weight.chunks_exact_mut(rows).zip(&self.of_rows) {
            to.iter_mut().zip(values[column..].iter().step_by(width)).for_each(|(to, &value)| *to = value);
        }
        Ok(Array { shape: vec![width, rows], values: weight })
    }

    /// [G·H] of a library in this project's order.
    fn bias(&self, values: &[f32]) -> Array {
        Array { shape: vec![self.of_rows.len()], values: self.of_rows.iter().map(|&column| values[column]).collect() }
    }

    fn no_bias(&self) -> Array {
        Array { shape: vec![self.of_rows.len()], values: vec![0.0; self.of_rows.len()] }
    }
}
