//! A model made ready for a backend: the spec expanded to a list of layers with the place of every parameter.

use std::ops::Range;

use crate::cell::CellKind;
use crate::error::{Error, Result};
use crate::layout::{CarryLayout, ParamLayout};
use crate::spec::{Activation, InputSpec, LayerSpec, LossSpec, ModelSpec, Predict, Projection};

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
    /// The layers, first to last; the dropout of a spec's layer or head is a layer of its own.
    pub layers: Vec<Layer>,
    /// Runs of layers that need no look at all lanes in between. So far always one.
    pub blocks: Vec<Range<usize>>,
    /// The head.
    pub head: Head,
}

/// One layer of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A recurrent layer.
    Recurrent(Recurrent),
    /// A dense layer.
    Dense(Dense),
    /// Dropout of the layer before; identity outside training.
    Dropout(Dropout),
}

/// A recurrent layer's sizes and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent {
    /// The cell.
    pub cell: CellKind,
    /// Width of its input, E (V for a one-hot input).
    pub input: usize,
    /// Hidden size H.
    pub size: usize,
    /// Its slot in the carry; also its number among the recurrent layers.
    pub slot: usize,
    /// The input is symbol ids that pick columns of `weight_ih`.
    pub one_hot: bool,
    /// [G*H, E] in the flat buffer.
    pub weight_ih: Range<usize>,
    /// [G*H, H].
    pub weight_hh: Range<usize>,
    /// `[G*H]`.
    pub bias_ih: Range<usize>,
    /// `[G*H]`.
    pub bias_hh: Range<usize>,
}

/// A dense layer's sizes and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Width of its input.
    pub input: usize,
    /// Width of its output.
    pub size: usize,
    /// The activation.
    pub activation: Activation,
    /// The input is symbol ids that pick columns of `weight`.
    pub one_hot: bool,
    /// [size, input] in the flat buffer.
    pub weight: Range<usize>,
    /// `[size]`.
    pub bias: Range<usize>,
}

/// A place where values are dropped in training; what is kept is divided by the share kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// Share dropped, (0, 1).
    pub rate: f64,
    /// Width of what passes through.
    pub size: usize,
    /// Number of this site among the model's; its masks are drawn by it.
    pub site: usize,
}

/// From the last layer's output to logits or predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// At which time steps.
    pub predict: Predict,
    /// Width of its input.
    pub input: usize,
    /// Outputs.
    pub size: usize,
    /// `[size, input]` and `[size]` in the flat buffer; none for an identity head.
    pub weights: Option<(Range<usize>, Range<usize>)>,
}

impl Layer {
    /// Width of the layer's output.
    pub fn size(&self) -> usize {
        match self {
            Layer::Recurrent(layer) => layer.size,
            Layer::Dense(layer) => layer.size,
            Layer::Dropout(layer) => layer.size,
        }
    }
}

impl ModelPlan {
    /// Validates a spec and lays it out.
    pub fn new(spec: &ModelSpec) -> Result<Self> {
        spec.validate()?;
        let params = ParamLayout::of(spec);
        let mut expansion = Expansion { params: &params, carry: CarryLayout::default(), layers: Vec::new(), sites: 0 };
        let one_hot = matches!(spec.input, InputSpec::OneHot { .. });
        let mut width = spec.input.width();
        let mut dense = 0;
        for (index, layer) in spec.layers.iter().enumerate() {
            let one_hot = one_hot && index == 0;
            match *layer {
                LayerSpec::Recurrent { cell, size, dropout } => {
                    expansion.recurrent(cell, width, size, one_hot)?;
                    expansion.dropout(dropout, size);
                }
                LayerSpec::Dense { size, activation } => {
                    expansion.dense(dense, width, size, activation, one_hot)?;
                    dense += 1;
                }
            }
            width = layer.size();
        }
        expansion.dropout(spec.head.dropout, width);
        let Expansion { carry, layers, .. } = expansion;
        let weights = match spec.head.projection {
            Projection::Linear => Some((range(&params, "head.weight")?, range(&params, "head.bias")?)),
            Projection::Identity => None,
        };
        let head = Head { predict: spec.head.predict, input: width, size: spec.head.size, weights };
        let embedding = params.tensor("embedding.weight").map(|tensor| tensor.range());
        let whole = 0..layers.len();
        Ok(Self { spec: spec.clone(), embedding, carry, layers, blocks: vec![whole], head, params })
    }

    /// The dropout layers, in order of their sites.
    pub fn dropouts(&self) -> impl Iterator<Item = &Dropout> {
        self.layers.iter().filter_map(|layer| match layer {
            Layer::Dropout(dropout) => Some(dropout),
            _ => None,
        })
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
}

/// The list of layers while it grows.
struct Expansion<'a> {
    params: &'a ParamLayout,
    carry: CarryLayout,
    layers: Vec<Layer>,
    sites: usize,
}

impl Expansion<'_> {
    fn recurrent(&mut self, cell: CellKind, input: usize, size: usize, one_hot: bool) -> Result<()> {
        let slot = self.carry.push(size, cell.has_cell_state());
        let of = |name: &str| range(self.params, &format!("{name}_l{slot}"));
        self.layers.push(Layer::Recurrent(Recurrent {
            cell,
            input,
            size,
            slot,
            one_hot,
            weight_ih: of("weight_ih")?,
            weight_hh: of("weight_hh")?,
            bias_ih: of("bias_ih")?,
            bias_hh: of("bias_hh")?,
        }));
        Ok(())
    }

    fn dense(&mut self, index: usize, input: usize, size: usize, activation: Activation, one_hot: bool) -> Result<()> {
        let of = |name: &str| range(self.params, &format!("dense{index}.{name}"));
        self.layers.push(Layer::Dense(Dense { input, size, activation, one_hot, weight: of("weight")?, bias: of("bias")? }));
        Ok(())
    }

    fn dropout(&mut self, rate: f64, size: usize) {
        if rate > 0.0 {
            self.layers.push(Layer::Dropout(Dropout { rate, size, site: self.sites }));
            self.sites += 1;
        }
    }
}

fn range(params: &ParamLayout, name: &str) -> Result<Range<usize>> {
    let tensor = params.tensor(name).ok_or_else(|| Error::internal(format!("the layout lacks {name}")))?;
    Ok(tensor.range())
}
