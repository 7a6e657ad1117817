//! Weights of a Dense layer, which Keras and TensorFlow 1 keep alike.

use super::{Array, Columns};
use crate::error::Result;

/// A dense layer's tensors, and the head's.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseTensors {
    /// [O, I].
    pub weight: Array,
    /// `[O]`.
    pub bias: Array,
}

/// This project's tensors of a dense layer. `kernel`: [I, O]; `bias`: `[O]`, none of a layer with `use_bias=False`.
///
/// # Errors
/// [`crate::Error::Invalid`] for arrays whose shapes do not fit (`kernel`, `bias`).
pub fn from_dense(kernel: &Array, bias: Option<&Array>) -> Result<DenseTensors> {
    let [inputs, outputs] = kernel.matrix("kernel")?;
    kernel.check_values("kernel")?;
    let columns = Columns { of_rows: (0..outputs).collect() };
    let bias = match bias {
        None => columns.no_bias(),
        Some(bias) => {
            bias.check_shape("bias", &[outputs])?;
            bias.check_values("bias")?;
            bias.clone()
        }
    };
    Ok(DenseTensors { weight: columns.weight(&kernel.values, inputs)?, bias })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], values: &[f32]) -> Array {
        Array { shape: shape.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn the_kernel_is_transposed_and_the_bias_stays() {
        let kernel = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let weight = array(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let bias = array(&[3], &[7.0, 8.0, 9.0]);
        assert_eq!(from_dense(&kernel, Some(&bias)), Ok(DenseTensors { weight: weight.clone(), bias }));
        assert_eq!(from_dense(&kernel, None), Ok(DenseTensors { weight, bias: array(&[3], &[0.0; 3]) }));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_by_name() {
        let field = |kernel: &Array, bias: &Array| from_dense(kernel, Some(bias)).unwrap_err().data().field.unwrap();
        assert_eq!(field(&array(&[2], &[0.0; 2]), &array(&[2], &[0.0; 2])), "kernel");
        assert_eq!(field(&array(&[2, 3], &[0.0; 6]), &array(&[2], &[0.0; 2])), "bias");
    }
}
