//! Weights of TensorFlow 1's BasicLSTMCell, LSTMCell and BasicRNNCell.

use super::{Array, CellTensors, Columns, NO_GRU};
use crate::cell::CellKind;
use crate::error::{Error, Result};

/// The gates in TensorFlow 1's order, by this project's names.
fn gates(cell: CellKind) -> Result<&'static [&'static str]> {
    match cell {
        CellKind::Lstm => Ok(&["i", "g", "f", "o"]),
        CellKind::Gru => Err(Error::invalid("kind", "'gru'", format!("'lstm' or 'rnn': {NO_GRU}"))),
        elman => Ok(elman.gate_names()),
    }
}

/// This project's tensors of a recurrent layer. `kernel`: [I + H, G·H], the inputs' rows before the state's; `bias`: [G·H];
/// `forget_bias`: what an LSTM adds to its forget gate at run time, 0 for other cells.
///
/// # Errors
/// [`Error::Invalid`] for arrays whose shapes do not fit (`kernel`, `bias`), a forget bias that no cell can have (`forgetBias`), and a
/// GRU (`kind`).
pub fn from_tf1(cell: CellKind, kernel: &Array, bias: &Array, forget_bias: f64) -> Result<CellTensors> {
    let gates = gates(cell)?;
    if !forget_bias.is_finite() || (forget_bias != 0.0 && cell.forget_gate().is_none()) {
        return Err(Error::invalid("forgetBias", forget_bias, "a finite number, and 0 for a cell without a forget gate"));
    }
    let [rows, width] = kernel.matrix("kernel")?;
    kernel.check_values("kernel")?;
    let size = width / gates.len();
    if width % gates.len() != 0 || rows <= size {
        let count = gates.len();
        return Err(kernel.unfit("kernel", &format!("of shape [I + H, {count} * H] with at least one input")));
    }
    bias.check_shape("bias", &[width])?;
    bias.check_values("bias")?;
    let columns = Columns::new(cell, gates, size)?;
    let (inputs, recurrent) = kernel.values.split_at((rows - size) * width);
    let mut bias_ih = columns.bias(&bias.values);
    if let Some(forget) = cell.forget_gate() {
        for value in &mut bias_ih.values[forget * size..(forget + 1) * size] {
            *value = (f64::from(*value) + forget_bias) as f32;
        }
    }
    Ok(CellTensors {
        weight_ih: columns.weight(inputs, rows - size)?,
        weight_hh: columns.weight(recurrent, size)?,
        bias_ih,
        bias_hh: columns.no_bias(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that count up.
    fn counting(shape: &[usize]) -> Array {
        let len: usize = shape.iter().product();
        Array { shape: shape.to_vec(), values: (0..len).map(|at| at as f32).collect() }
    }

    fn field(cell: CellKind, kernel: &[usize], bias: &[usize], forget_bias: f64) -> String {
        from_tf1(cell, &counting(kernel), &counting(bias), forget_bias).unwrap_err().data().field.unwrap()
    }

    #[test]
    fn an_lstms_kernel_is_cut_and_its_gates_change_places() {
        // Two inputs and one unit: the rows of the kernel are x, x, h, its columns i, j, f, o.
        let tensors = from_tf1(CellKind::Lstm, &counting(&[3, 4]), &counting(&[4]), 0.5).unwrap();
        assert_eq!(tensors.weight_ih, Array { shape: vec![4, 2], values: vec![0.0, 4.0, 2.0, 6.0, 1.0, 5.0, 3.0, 7.0] });
        assert_eq!(tensors.weight_hh, Array { shape: vec![4, 1], values: vec![8.0, 10.0, 9.0, 11.0] });
        assert_eq!(tensors.bias_ih.values, [0.0, 2.5, 1.0, 3.0]);
        assert_eq!(tensors.bias_hh.values, [0.0; 4]);
    }

    #[test]
    fn an_elman_cell_is_cut_and_transposed() {
        let tensors = from_tf1(CellKind::ElmanTanh, &counting(&[3, 2]), &counting(&[2]), 0.0).unwrap();
        assert_eq!(tensors.weight_ih, Array { shape: vec![2, 1], values: vec![0.0, 1.0] });
        assert_eq!(tensors.weight_hh, Array { shape: vec![2, 2], values: vec![2.0, 4.0, 3.0, 5.0] });
    }

    #[test]
    fn a_gru_cannot_be_converted() {
        let error = from_tf1(CellKind::Gru, &counting(&[3, 4]), &counting(&[4]), 0.0).unwrap_err();
        assert_eq!(error.data().field.unwrap(), "kind");
        assert!(error.to_string().contains("cannot be converted"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        assert_eq!(field(CellKind::Lstm, &[3, 6], &[6], 1.0), "kernel");
        assert_eq!(field(CellKind::Lstm, &[2, 8], &[8], 1.0), "kernel");
        assert_eq!(field(CellKind::Lstm, &[3, 4], &[1, 4], 1.0), "bias");
        assert_eq!(field(CellKind::Lstm, &[3, 4], &[4], f64::NAN), "forgetBias");
        assert_eq!(field(CellKind::ElmanTanh, &[3, 2], &[2], 1.0), "forgetBias");
    }
}
