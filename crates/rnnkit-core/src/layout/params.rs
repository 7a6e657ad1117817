//! Name, shape and offset of every parameter: PyTorch's tensor names and gate blocks, in one flat buffer.
//!
//! Behind the parameters stand the *statistics* (batch normalisation's moving values) in the same buffer, so that whatever writes, reads
//! or saves the one has the other. Gradients and moments are as long as the parameters alone: no clip, no optimizer sees a statistic.

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

/// All parameters of a model, in the order of the data's way, then its statistics. The padding between tensors is zero, and stays zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParamLayout {
    tensors: Vec<Tensor>,
    len: usize,
    trainable: usize,
}

impl ParamLayout {
    /// The layout of a validated model.
    pub fn of(spec: &ModelSpec) -> Self {
        let mut layout = Self::default();
        let mut width = spec.input.width();
        if let InputSpec::Embedding { vocabulary, size } = spec.input {
            layout.push("embedding.weight", &[vocabulary, size], TensorRole::Embedding, None);
        }
        let (mut recurrent, mut dense, mut norms) = (0, 0, Vec::new());
        for layer in &spec.layers {
            match *layer {
                LayerSpec::Recurrent { cell, size, bidirectional, .. } => {
                    for direction in &["", "_reverse"][..if bidirectional { 2 } else { 1 }] {
                        layout.push_recurrent(&format!("l{recurrent}{direction}"), cell, width, size);
                    }
                    recurrent += 1;
                }
                LayerSpec::Dense { size, .. } => {
                    layout.push(&format!("dense{dense}.weight"), &[size, width], TensorRole::DenseWeight, None);
                    layout.push(&format!("dense{dense}.bias"), &[size], TensorRole::DenseBias, None);
                    dense += 1;
                }
                LayerSpec::BatchNorm { .. } => {
                    layout.push(&format!("batch_norm{}.gamma", norms.len()), &[width], TensorRole::Gamma, None);
                    layout.push(&format!("batch_norm{}.beta", norms.len()), &[width], TensorRole::Beta, None);
                    norms.push(width);
                }
                LayerSpec::Dropout { .. } => {}
            }
            width = layer.width(width);
        }
        if spec.head.projection == Projection::Linear {
            layout.push("head.weight", &[spec.head.size, width], TensorRole::HeadWeight, None);
            layout.push("head.bias", &[spec.head.size], TensorRole::HeadBias, None);
        }
        for (index, width) in norms.into_iter().enumerate() {
            layout.push(&format!("batch_norm{index}.moving_mean"), &[width], TensorRole::MovingMean, None);
            layout.push(&format!("batch_norm{index}.moving_variance"), &[width], TensorRole::MovingVariance, None);
        }
        layout
    }

    fn push_recurrent(&mut self, suffix: &str, cell: CellKind, input: usize, size: usize) {
        let rows = cell.gates() * size;
        self.push(&format!("weight_ih_{suffix}"), &[rows, input], TensorRole::WeightIh, Some(cell));
        self.push(&format!("weight_hh_{suffix}"), &[rows, size], TensorRole::WeightHh, Some(cell));
        self.push(&format!("bias_ih_{suffix}"), &[rows], TensorRole::BiasIh, Some(cell));
        self.push(&format!("bias_hh_{suffix}"), &[rows], TensorRole::BiasHh, Some(cell));
    }

    /// Adds a tensor after the others. Public for layouts that belong to no model, such as an optimizer's test.
    pub fn push(&mut self, name: &str, shape: &[usize], role: TensorRole, cell: Option<CellKind>) {
        let tensor = Tensor { name: name.to_owned(), shape: shape.to_vec(), offset: self.len, role, cell };
        self.len = tensor.range().end.next_multiple_of(ALIGNMENT);
        if !role.is_statistic() {
            self.trainable = self.len;
        }
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

    /// Elements of the flat buffer, statistics and padding included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Elements that gradients and moments have: the parameters with their padding, statistics left out.
    pub fn trainable(&self) -> usize {
        self.trainable
    }

    /// The tensors that are trained, in order: all but the statistics.
    pub fn trained(&self) -> &[Tensor] {
        let count = self.tensors.iter().filter(|tensor| !tensor.role.is_statistic()).count();
        &self.tensors[..count]
    }

    /// Whether the model has no parameters.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Number of parameters, statistics and padding not counted.
    pub fn parameters(&self) -> usize {
        self.trained().iter().map(Tensor::len).sum()
    }
}
