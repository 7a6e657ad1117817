//! A model made ready for a backend: the spec expanded to a list of layers with the place of every parameter.

mod expansion;
mod layers;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::error::{Error, Result};
use crate::layout::{CarryLayout, ParamLayout};
use crate::spec::{InputSpec, LossSpec, ModelSpec, Predict, Projection};

use expansion::Expansion;

pub use layers::{BatchNorm, Dense, Dropout, Head, Join, Layer, Recurrent, Site, Turn};

/// A validated model, its layouts, and the blocks its layers form.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPlan {
    /// As it was given.
    pub spec: ModelSpec,
    /// The parameters.
    pub params: ParamLayout,
    /// The carry.
    pub carry: CarryLayout,
    /// Rows of the embedding table [V, E], if there is one.
    pub embedding: Option<Range<usize>>,
    /// A one-hot input stands in memory as rows [T, N, V]: its first reader cannot pick columns of its weights by ids, as two directions,
    /// dropout and batch normalisation cannot.
    pub one_hot_rows: bool,
    /// The layers in the order of the data's way; what a spec's layer or head asks for besides (dropout, a second direction) are layers of
    /// their own.
    pub layers: Vec<Layer>,
    /// What each layer reads: the output of the layer of that number, or `None`, the model's input. A [`Layer::Join`] reads two besides.
    pub sources: Vec<Option<usize>>,
    /// The places of dropout.
    pub sites: Vec<Site>,
    /// Runs of layers that need no look at all lanes in between: batch normalisation is a block of its own.
    pub blocks: Vec<Range<usize>>,
    /// The head; it reads the last layer.
    pub head: Head,
}

impl ModelPlan {
    /// Validates a spec and lays it out.
    pub fn new(spec: &ModelSpec) -> Result<Self> {
        spec.validate()?;
        let params = ParamLayout::of(spec);
        let expansion = Expansion::of(spec, &params)?;
        let Expansion { carry, layers, sources, sites, width, one_hot_rows, .. } = expansion;
        let weights = match spec.head.projection {
            Projection::Linear => Some((range(&params, "head.weight")?, range(&params, "head.bias")?)),
            Projection::Identity => None,
        };
        let head = Head { predict: spec.head.predict, input: width, size: spec.head.size, weights };
        let embedding = params.tensor("embedding.weight").map(|tensor| tensor.range());
        let blocks = blocks(&layers);
        Ok(Self { spec: spec.clone(), embedding, one_hot_rows, carry, layers, sources, sites, blocks, head, params })
    }

    /// Positions that one window predicts, nothing masked.
    pub fn predicted(&self, lanes: usize, time: usize) -> usize {
        match self.head.predict {
            Predict::EveryStep => lanes * time,
            Predict::LastStep => lanes,
        }
    }

    /// Whether targets are symbol ids.
    pub fn is_classifier(&self) -> bool {
        matches!(self.spec.loss, LossSpec::CrossEntropy { .. })
    }

    /// Width of the rows [T, N, ·] that enter the first layer; 0 where ids pick columns of its weights.
    pub fn input_width(&self) -> usize {
        match self.spec.input {
            InputSpec::OneHot { vocabulary } => {
                if self.one_hot_rows {
                    vocabulary
                } else {
                    0
                }
            }
            InputSpec::Embedding { size, .. } | InputSpec::Real { size } => size,
        }
    }

    /// Whether some layer reads the sequence from its end.
    pub fn is_bidirectional(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Turn(_)))
    }
}

/// Batch normalisation alone, the others in runs as long as possible.
fn blocks(layers: &[Layer]) -> Vec<Range<usize>> {
    let alone = |index: usize| matches!(layers[index], Layer::BatchNorm(_));
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for index in 0..layers.len() {
        match blocks.last_mut() {
            Some(block) if !alone(index) && !alone(block.start) => block.end = index + 1,
            _ => blocks.push(index..index + 1),
        }
    }
    blocks
}

fn range(params: &ParamLayout, name: &str) -> Result<Range<usize>> {
    let tensor = params.tensor(name).ok_or_else(|| Error::internal(format!("the layout lacks {name}")))?;
    Ok(tensor.range())
}
