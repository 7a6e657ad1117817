//! Name, shape and offset of every parameter: PyTorch's tensor names and gate blocks, in one flat buffer.

use std::ops::Range;

use crate::cell::CellKind;
use crate::init::TensorRole;
use crate::spec::{InputSpec, LayerSpec, ModelSpec, Projection};

/// Every tensor starts at a multiple of this many elements, so that a vector load never straddles two tensors.
pub const ALIGNMENT: usize = 64;

/// One parameter tensor in the flat buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// PyTorch's name, `weight_ih_l0`.
    pub name: String,
    /// Row-major shape.
    pub shape: Vec<usize>,
    /// First element in the flat buffer.
    pub offset: usize,
    /// What the tensor is, for its initial values.
    pub role: TensorRole,
    /// The cell it belongs to, if it is a recurrent layer's.
    pub cell: Option<CellKind>,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none (never true for a validated model).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements in the flat buffer.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// All parameters of a model, in the order of the data's way. The padding between tensors is zero, and stays zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParamLayout {
    tensors: Vec<Tensor>,
    len: usize,
}

impl ParamLayout {
    /// The layout of a validated model.
    pub fn of(spec: &ModelSpec) -> Self {
        let mut layout = Self::default();
        let mut width = spec.input.width();
        if let InputSpec::Embedding { vocabulary, size } = spec.input {
            layout.push("embedding.weight", &[vocabulary, size], TensorRole::Embedding, None);
        }
        let (mut recurrent, mut dense) = (0, 0);
        for layer in &spec.layers {
            match *layer {
                LayerSpec::Recurrent { cell, size, .. } => {
                    layout.push_recurrent(recurrent, cell, width, size);
                    recurrent += 1;
                }
                LayerSpec::Dense { size, .. } => {
                    layout.push(&format!("dense{dense}.weight"), &[size, width], TensorRole::DenseWeight, None);
                    layout.push(&format!("dense{dense}.bias"), &[size], TensorRole::DenseBias, None);
                    dense += 1;
                }
            }
            width = layer.size();
        }
        if spec.head.projection == Projection::Linear {
            layout.push("head.weight", &[spec.head.size, width], TensorRole::HeadWeight, None);
            layout.push("head.bias", &[spec.head.size], TensorRole::HeadBias, None);
        }
        layout
    }

    fn push_recurrent(&mut self, index: usize, cell: CellKind, input: usize, size: usize) {
        let rows = cell.gates() * size;
        self.push(&format!("weight_ih_l{index}"), &[rows, input], TensorRole::WeightIh, Some(cell));
        self.push(&format!("weight_hh_l{index}"), &[rows, size], TensorRole::WeightHh, Some(cell));
        self.push(&format!("bias_ih_l{index}"), &[rows], TensorRole::BiasIh, Some(cell));
        self.push(&format!("bias_hh_l{index}"), &[rows], TensorRole::BiasHh, Some(cell));
    }

    /// Adds a tensor after the others. Public for layouts that belong to no model, such as an optimizer's test.
    pub fn push(&mut self, name: &str, shape: &[usize], role: TensorRole, cell: Option<CellKind>) {
        let tensor = Tensor { name: name.to_owned(), shape: shape.to_vec(), offset: self.len, role, cell };
        self.len = tensor.range().end.next_multiple_of(ALIGNMENT);
        self.tensors.push(tensor);
    }

    /// The tensors, in order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Elements of the flat buffer, padding included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the model has no parameters.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Number of parameters, padding not counted.
    pub fn parameters(&self) -> usize {
        self.tensors.iter().map(Tensor::len).sum()
    }
}
