//! What a model is: input -> layers -> head -> loss, every field with its range; validated once, before anything is allocated.

use serde::{Deserialize, Serialize};

use crate::cell::CellKind;
use crate::error::{Error, Result};

/// The largest hidden, dense, embedding or real input size.
pub const MAX_SIZE: usize = 16_384;
/// The most layers, those of dropout not counted.
pub const MAX_LAYERS: usize = 16;
/// The most layers of dropout: before and after each other layer, twice over.
const MAX_DROPOUTS: usize = 4 * MAX_LAYERS;
/// The most symbols of a vocabulary.
pub const MAX_VOCABULARY: usize = 65_536;

/// A whole model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelSpec {
    /// What a position of the data is and how it enters the first layer.
    pub input: InputSpec,
    /// The layers, first to last; may be empty (the head then reads the input).
    pub layers: Vec<LayerSpec>,
    /// From the last layer's output to logits or predictions.
    pub head: HeadSpec,
    /// What training minimises.
    pub loss: LossSpec,
}

/// The input of the first layer.
///
/// Where targets are given apart from the inputs, an input id equal to `vocabulary` is *no symbol*: it enters as the zero vector, as the
/// first of a sequence's inputs may.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum InputSpec {
    /// Symbol ids below `vocabulary`; each picks a column of the first layer's `weight_ih` [G*H, V].
    OneHot {
        /// Vocabulary size V, 1 to [`MAX_VOCABULARY`].
        vocabulary: usize,
    },
    /// Symbol ids below `vocabulary`; each picks a row of `embedding.weight` [V, E].
    Embedding {
        /// Vocabulary size V, 1 to [`MAX_VOCABULARY`].
        vocabulary: usize,
        /// Embedding size E, 1 to [`MAX_SIZE`].
        size: usize,
    },
    /// Rows of `size` real numbers.
    Real {
        /// Features E, 1 to [`MAX_SIZE`].
        size: usize,
    },
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum LayerSpec {
    /// A recurrent layer.
    Recurrent {
        /// The cell.
        cell: CellKind,
        /// Hidden size H, 1 to [`MAX_SIZE`].
        size: usize,
        /// A second set of weights reads the sequence from its end; the outputs of both stand side by side, 2 H values.
        #[serde(default)]
        bidirectional: bool,
        /// Variational dropout within the layer.
        #[serde(default)]
        dropout: RecurrentDropout,
    },
    /// Drops values in training; what is kept is divided by the share kept.
    Dropout {
        /// Share dropped, [0, 1).
        rate: f64,
        /// What has a draw of its own.
        #[serde(default)]
        mask: MaskShape,
    },
    /// Batch normalisation of each feature over all positions of a window (Ioffe and Szegedy, arXiv:1502.03167), as Keras has it:
    /// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the variance biased.
    BatchNorm {
        /// Share of the *old* moving statistics that an update keeps, [0, 1).
        #[serde(default = "BatchNormDefaults::momentum")]
        momentum: f64,
        /// Added to the variance, above 0.
        #[serde(default = "BatchNormDefaults::epsilon")]
        epsilon: f64,
        /// Normalise by the moving statistics in training too, and leave them as they are.
        #[serde(default)]
        frozen: bool,
    },
    /// y = act(W x + b) at every time step.
    Dense {
        /// Output size, 1 to [`MAX_SIZE`].
        size: usize,
        /// The activation.
        activation: Activation,
    },
}

/// Keras's defaults of batch normalisation.
struct BatchNormDefaults;

impl BatchNormDefaults {
    fn momentum() -> f64 {
        0.99
    }

    fn epsilon() -> f64 {
        1e-3
    }
}

/// Dropout within a recurrent layer with one mask for all time steps of a window (Gal and Ghahramani, arXiv:1512.05287), as Keras's
/// `dropout` and `recurrent_dropout`. Shares of 0 drop nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RecurrentDropout {
    /// Share of the layer's input dropped, [0, 1).
    pub input: f64,
    /// Share of h dropped where it enters the product with `weight_hh`, [0, 1). An LSTM's c and a GRU's z ⊙ h stay whole.
    pub recurrent: f64,
    /// A mask for each gate instead of one for all, as Keras has it once `recurrent_dropout` is above 0.
    pub per_gate: bool,
}

/// What has a draw of its own in a dropout mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaskShape {
    /// Every time step, lane and feature: PyTorch's, and TensorFlow 1's DropoutWrapper.
    #[default]
    Step,
    /// Every lane and feature, the same at all time steps of a window.
    Sequence,
    /// Every feature, the same at all time steps and in all lanes: DropoutWrapper's `variational_recurrent`.
    Batch,
}

/// The activation of a dense layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Activation {
    /// y = s.
    Linear,
    /// y = tanh(s).
    Tanh,
    /// y = max(s, 0).
    Relu,
    /// y = 1 / (1 + e^-s).
    Sigmoid,
}

/// From the last layer's output to what the loss compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadSpec {
    /// At which time steps the head predicts.
    pub predict: Predict,
    /// Outputs: V for cross-entropy, 1 to [`MAX_VOCABULARY`].
    pub size: usize,
    /// `Linear`: `head.weight` `[size, H]` and `head.bias` `[size]`. `Identity`: the last layer's output itself, of `size` values.
    #[serde(default)]
    pub projection: Projection,
    /// Share of the head's input dropped in training, [0, 1).
    #[serde(default)]
    pub dropout: f64,
}

/// At which time steps the head predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predict {
    /// At all T.
    EveryStep,
    /// At the last alone.
    LastStep,
}

/// Whether the head has weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Projection {
    /// W h + b.
    #[default]
    Linear,
    /// h itself.
    Identity,
}

/// What training minimises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum LossSpec {
    /// Softmax cross-entropy against ids, in nats.
    CrossEntropy {
        /// Share s of the target spread evenly over the vocabulary, [0, 1): (1 - s) one-hot + s/V.
        #[serde(default, rename = "labelSmoothing")]
        label_smoothing: f64,
        /// How positions are joined.
        #[serde(default)]
        reduction: Reduction,
    },
    /// Mean of (prediction - target)² over all elements.
    MeanSquaredError,
    /// Square root of the mean squared error.
    RootMeanSquaredError,
}

/// How the losses of a window's predicted positions become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reduction {
    /// Sum / number of predicted positions.
    #[default]
    Mean,
    /// Sum over time, mean over lanes.
    SumOverTime,
}

impl InputSpec {
    /// Vocabulary size, if positions are symbol ids.
    pub fn vocabulary(&self) -> Option<usize> {
        match *self {
            InputSpec::OneHot { vocabulary } | InputSpec::Embedding { vocabulary, .. } => Some(vocabulary),
            InputSpec::Real { .. } => None,
        }
    }

    /// Width of the vector that enters the first layer (V for one-hot, though it never stands in memory).
    pub fn width(&self) -> usize {
        match *self {
            InputSpec::OneHot { vocabulary } => vocabulary,
            InputSpec::Embedding { size, .. } | InputSpec::Real { size } => size,
        }
    }
}

impl LayerSpec {
    /// A recurrent layer in one direction, without dropout.
    pub fn recurrent(cell: CellKind, size: usize) -> Self {
        LayerSpec::Recurrent { cell, size, bidirectional: false, dropout: RecurrentDropout::default() }
    }

    /// Dropout with another mask at each time step.
    pub fn dropout(rate: f64) -> Self {
        LayerSpec::Dropout { rate, mask: MaskShape::Step }
    }

    /// Width of the layer's output over an input of that width.
    pub fn width(&self, input: usize) -> usize {
        match *self {
            LayerSpec::Recurrent { size, bidirectional, .. } => size * if bidirectional { 2 } else { 1 },
            LayerSpec::Dense { size, .. } => size,
            LayerSpec::Dropout { .. } | LayerSpec::BatchNorm { .. } => input,
        }
    }

    fn validate(&self, field: &str) -> Result<()> {
        let of = |name: &str| format!("{field}.{name}");
        match *self {
            LayerSpec::Recurrent { size, dropout, .. } => {
                in_range(&of("size"), size, MAX_SIZE)?;
                share(&of("dropout.input"), dropout.input)?;
                share(&of("dropout.recurrent"), dropout.recurrent)
            }
            LayerSpec::Dense { size, .. } => in_range(&of("size"), size, MAX_SIZE),
            LayerSpec::Dropout { rate, .. } => share(&of("rate"), rate),
            LayerSpec::BatchNorm { momentum, epsilon, .. } => {
                share(&of("momentum"), momentum)?;
                if epsilon >= 1e-30 && epsilon.is_finite() {
                    return Ok(());
                }
                Err(Error::invalid(of("epsilon"), epsilon, "a finite number of at least 1e-30"))
            }
        }
    }
}

impl ModelSpec {
    /// Checks every range; the first offence is returned with its field.
    pub fn validate(&self) -> Result<()> {
        match self.input {
            InputSpec::OneHot { vocabulary } => in_range("input.vocabulary", vocabulary, MAX_VOCABULARY)?,
            InputSpec::Embedding { vocabulary, size } => {
                in_range("input.vocabulary", vocabulary, MAX_VOCABULARY)?;
                in_range("input.size", size, MAX_SIZE)?;
            }
            InputSpec::Real { size } => in_range("input.size", size, MAX_SIZE)?,
        }
        let dropouts = self.layers.iter().filter(|layer| matches!(layer, LayerSpec::Dropout { .. })).count();
        if self.layers.len() - dropouts > MAX_LAYERS || dropouts > MAX_DROPOUTS {
            let expected = format!("at most {MAX_LAYERS} layers, and {MAX_DROPOUTS} of dropout");
            return Err(Error::invalid("layers", self.layers.len(), expected));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            layer.validate(&format!("layers[{index}]"))?;
        }
        self.validate_head()
    }

    fn validate_head(&self) -> Result<()> {
        in_range("head.size", self.head.size, MAX_VOCABULARY)?;
        share("head.dropout", self.head.dropout)?;
        let width = self.layers.iter().fold(self.input.width(), |width, layer| layer.width(width));
        if self.head.projection == Projection::Identity && self.head.size != width {
            return Err(Error::invalid("head.size", self.head.size, format!("{width}, the width of what an identity head passes on")));
        }
        let weighted = |layer: &LayerSpec| matches!(layer, LayerSpec::Recurrent { .. } | LayerSpec::Dense { .. });
        if matches!(self.input, InputSpec::OneHot { .. }) && !self.layers.iter().any(weighted) {
            return Err(Error::invalid("layers", self.layers.len(), "at least one recurrent or dense layer over a one-hot input"));
        }
        if let LossSpec::CrossEntropy { label_smoothing, .. } = self.loss {
            share("loss.labelSmoothing", label_smoothing)?;
        }
        Ok(())
    }
}

fn in_range(field: &str, value: usize, largest: usize) -> Result<()> {
    if (1..=largest).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, value, format!("an integer from 1 to {largest}")))
}

fn share(field: &str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, value, "a number in [0, 1)"))
}
