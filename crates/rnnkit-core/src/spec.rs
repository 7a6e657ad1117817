//! What a model is: input -> layers -> head -> loss, every field with its range; validated once, before anything is allocated.

use serde::{Deserialize, Serialize};

use crate::cell::CellKind;
use crate::error::{Error, Result};

/// The largest hidden, dense, embedding or real input size.
pub const MAX_SIZE: usize = 16_384;
/// The most layers.
pub const MAX_LAYERS: usize = 16;
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
    /// A recurrent layer, forward in time.
    Recurrent {
        /// The cell.
        cell: CellKind,
        /// Hidden size H, 1 to [`MAX_SIZE`].
        size: usize,
        /// Share of the output's values dropped in training, [0, 1), another mask at each time step; 0 = none.
        #[serde(default)]
        dropout: f64,
    },
    /// y = act(W x + b) at every time step.
    Dense {
        /// Output size, 1 to [`MAX_SIZE`].
        size: usize,
        /// The activation.
        activation: Activation,
    },
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
    /// Width of the layer's output.
    pub fn size(&self) -> usize {
        match *self {
            LayerSpec::Recurrent { size, .. } | LayerSpec::Dense { size, .. } => size,
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
        if self.layers.len() > MAX_LAYERS {
            return Err(Error::invalid("layers", self.layers.len(), format!("at most {MAX_LAYERS} layers")));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            in_range(&format!("layers[{index}].size"), layer.size(), MAX_SIZE)?;
            if let LayerSpec::Recurrent { dropout, .. } = *layer {
                share(&format!("layers[{index}].dropout"), dropout)?;
            }
        }
        self.validate_head()
    }

    fn validate_head(&self) -> Result<()> {
        in_range("head.size", self.head.size, MAX_VOCABULARY)?;
        share("head.dropout", self.head.dropout)?;
        let width = self.layers.last().map_or(self.input.width(), LayerSpec::size);
        if self.head.projection == Projection::Identity && self.head.size != width {
            return Err(Error::invalid("head.size", self.head.size, format!("{width}, the width of what an identity head passes on")));
        }
        if self.layers.is_empty() && matches!(self.input, InputSpec::OneHot { .. }) {
            return Err(Error::invalid("layers", "[]", "at least one layer over a one-hot input"));
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
