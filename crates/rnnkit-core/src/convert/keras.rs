//! Weights of Keras's SimpleRNN, GRU and LSTM.

use super::{Array, CellTensors, Columns, NO_GRU};
use crate::cell::CellKind;
use crate::error::{Error, Result};

/// A recurrent layer's arrays, by Keras's names.
#[derive(Debug, Clone, PartialEq)]
pub struct KerasCell {
    /// [I, G·H].
    pub kernel: Array,
    /// [H, G·H].
    pub recurrent_kernel: Array,
    /// [G·H], of a GRU [2, G·H]; none of a layer with `use_bias=False`.
    pub bias: Option<Array>,
    /// Of a GRU: whether it resets after its recurrent product.
    pub reset_after: bool,
}

/// The gates in Keras's order, by this project's names.
fn gates(cell: CellKind) -> &'static [&'static str] {
    match cell {
        CellKind::Lstm => &["i", "f", "g", "o"],
        CellKind::Gru => &["z", "r", "n"],
        elman => elman.gate_names(),
    }
}

/// This project's tensors of a recurrent layer.
///
/// # Errors
/// [`Error::Invalid`] for arrays whose shapes do not fit (`kernel`, `recurrentKernel`, `bias`), and for a GRU with
/// `reset_after=False` (`resetAfter`, or `bias` if only its shape tells).
pub fn from_keras(cell: CellKind, stored: &KerasCell) -> Result<CellTensors> {
    if cell == CellKind::Gru && !stored.reset_after {
        return Err(Error::invalid("resetAfter", false, format!("true: {NO_GRU}")));
    }
    let KerasCell { kernel, recurrent_kernel, bias, .. } = stored;
    let [inputs, _] = kernel.matrix("kernel")?;
    let [size, _] = recurrent_kernel.matrix("recurrentKernel")?;
    let width = cell.gates() * size;
    recurrent_kernel.check_shape("recurrentKernel", &[size, width])?;
    kernel.check_shape("kernel", &[inputs, width])?;
    kernel.check_values("kernel")?;
    recurrent_kernel.check_values("recurrentKernel")?;
    let columns = Columns::new(cell, gates(cell), size)?;
    let [bias_ih, bias_hh] = match bias {
        None => [columns.no_bias(), columns.no_bias()],
        Some(bias) => biases(cell, bias, &columns)?,
    };
    Ok(CellTensors {
        weight_ih: columns.weight(&kernel.values, inputs)?,
        weight_hh: columns.weight(&recurrent_kernel.values, size)?,
        bias_ih,
        bias_hh,
    })
}

/// A GRU's two stay apart: the n block of the second stands inside the product with r.
fn biases(cell: CellKind, bias: &Array, columns: &Columns) -> Result<[Array; 2]> {
    let width = columns.of_rows.len();
    if cell != CellKind::Gru {
        bias.check_shape("bias", &[width])?;
        bias.check_values("bias")?;
        return Ok([columns.bias(&bias.values), columns.no_bias()]);
    }
    if bias.shape == [width] {
        return Err(bias.unfit("bias", &format!("of shape {:?}, of a GRU with reset_after=True: {NO_GRU}", [2, width])));
    }
    bias.check_shape("bias", &[2, width])?;
    bias.check_values("bias")?;
    let (input, recurrent) = bias.values.split_at(width);
    Ok([columns.bias(input), columns.bias(recurrent)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that tell row and column: 10 * row + column.
    fn counted(rows: usize, columns: usize) -> Array {
        let value = |at: usize| (10 * (at / columns) + at % columns) as f32;
        Array { shape: vec![rows, columns], values: (0..rows * columns).map(value).collect() }
    }

    fn flat(values: &[f32]) -> Array {
        Array { shape: vec![values.len()], values: values.to_vec() }
    }

    /// Two units, one input.
    fn gru() -> KerasCell {
        KerasCell { kernel: counted(1, 6), recurrent_kernel: counted(2, 6), bias: Some(counted(2, 6)), reset_after: true }
    }

    fn field(cell: CellKind, stored: &KerasCell) -> String {
        from_keras(cell, stored).unwrap_err().data().field.unwrap()
    }

    #[test]
    fn an_lstm_is_transposed_and_gets_a_second_bias_of_zeros() {
        let stored = KerasCell {
            kernel: counted(2, 4),
            recurrent_kernel: counted(1, 4),
            bias: Some(flat(&[1.0, 2.0, 3.0, 4.0])),
            reset_after: false,
        };
        let tensors = from_keras(CellKind::Lstm, &stored).unwrap();
        assert_eq!(tensors.weight_ih, Array { shape: vec![4, 2], values: vec![0.0, 10.0, 1.0, 11.0, 2.0, 12.0, 3.0, 13.0] });
        assert_eq!(tensors.weight_hh, Array { shape: vec![4, 1], values: vec![0.0, 1.0, 2.0, 3.0] });
        assert_eq!((tensors.bias_ih, tensors.bias_hh), (flat(&[1.0, 2.0, 3.0, 4.0]), flat(&[0.0; 4])));
    }

    #[test]
    fn a_grus_first_two_gates_change_places() {
        let tensors = from_keras(CellKind::Gru, &gru()).unwrap();
        assert_eq!(tensors.weight_ih.values, [2.0, 3.0, 0.0, 1.0, 4.0, 5.0]);
        assert_eq!(tensors.weight_hh.values, [2.0, 12.0, 3.0, 13.0, 0.0, 10.0, 1.0, 11.0, 4.0, 14.0, 5.0, 15.0]);
        assert_eq!(tensors.bias_ih.values, [2.0, 3.0, 0.0, 1.0, 4.0, 5.0]);
        assert_eq!(tensors.bias_hh.values, [12.0, 13.0, 10.0, 11.0, 14.0, 15.0]);
    }

    #[test]
    fn a_layer_without_a_bias_gets_zeros() {
        let tensors = from_keras(CellKind::Gru, &KerasCell { bias: None, ..gru() }).unwrap();
        assert_eq!((tensors.bias_ih, tensors.bias_hh), (flat(&[0.0; 6]), flat(&[0.0; 6])));
    }

    #[test]
    fn a_gru_that_resets_before_its_product_cannot_be_converted() {
        let told = KerasCell { reset_after: false, ..gru() };
        let error = from_keras(CellKind::Gru, &told).unwrap_err();
        assert_eq!(error.data().field.unwrap(), "resetAfter");
        assert!(error.to_string().contains("cannot be converted"), "{error}");
        let shown = from_keras(CellKind::Gru, &KerasCell { bias: Some(flat(&[0.0; 6])), ..gru() }).unwrap_err();
        assert_eq!(shown.data().field.unwrap(), "bias");
        assert!(shown.to_string().contains("cannot be converted"), "{shown}");
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_by_name() {
        assert_eq!(field(CellKind::Gru, &KerasCell { kernel: counted(1, 8), ..gru() }), "kernel");
        assert_eq!(field(CellKind::Gru, &KerasCell { kernel: flat(&[0.0; 6]), ..gru() }), "kernel");
        assert_eq!(field(CellKind::Gru, &KerasCell { recurrent_kernel: counted(3, 6), ..gru() }), "recurrentKernel");
        assert_eq!(field(CellKind::Gru, &KerasCell { bias: Some(counted(1, 6)), ..gru() }), "bias");
        assert_eq!(field(CellKind::Lstm, &gru()), "recurrentKernel");
        let short = Array { values: vec![0.0; 5], ..counted(1, 6) };
        assert_eq!(field(CellKind::Gru, &KerasCell { kernel: short, ..gru() }), "kernel");
    }
}
