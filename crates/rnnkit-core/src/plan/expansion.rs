//! From a spec's layers to a plan's: directions, dropout and joins become layers of their own.

use super::layers::{BatchNorm, Dense, Dropout, Join, Layer, Recurrent, Site, Turn};
use super::range;
use crate::cell::CellKind;
use crate::error::Result;
use crate::layout::{CarryLayout, ParamLayout};
use crate::spec::{Activation, InputSpec, LayerSpec, MaskShape, ModelSpec, Predict, RecurrentDropout};

/// The list of layers while it grows.
pub(super) struct Expansion<'a> {
    params: &'a ParamLayout,
    pub carry: CarryLayout,
    pub layers: Vec<Layer>,
    pub sources: Vec<Option<usize>>,
    pub sites: Vec<Site>,
    /// Width of what the next layer reads.
    pub width: usize,
    /// Whether what it reads are ids of a one-hot input.
    ids: bool,
    pub one_hot_rows: bool,
}

impl<'a> Expansion<'a> {
    pub fn of(spec: &ModelSpec, params: &'a ParamLayout) -> Result<Self> {
        let mut expansion = Self {
            params,
            carry: CarryLayout::default(),
            layers: Vec::new(),
            sources: Vec::new(),
            sites: Vec::new(),
            width: spec.input.width(),
            ids: matches!(spec.input, InputSpec::OneHot { .. }),
            one_hot_rows: false,
        };
        let (mut recurrent, mut dense, mut norms) = (0, 0, 0);
        for (index, layer) in spec.layers.iter().enumerate() {
            match *layer {
                LayerSpec::Recurrent { cell, size, bidirectional, dropout } => {
                    let follows = |layer: &LayerSpec| matches!(layer, LayerSpec::Recurrent { .. });
                    let turns = spec.head.predict == Predict::EveryStep || spec.layers[index + 1..].iter().any(follows);
                    let layer = Directions { number: recurrent, cell, size, dropout };
                    expansion.recurrent(&layer, bidirectional.then_some(turns))?;
                    recurrent += 1;
                }
                LayerSpec::Dense { size, activation } => {
                    expansion.dense(dense, size, activation)?;
                    dense += 1;
                }
                LayerSpec::Dropout { rate, mask } => expansion.dropout(rate, mask, 1),
                LayerSpec::BatchNorm { momentum, epsilon, frozen } => {
                    expansion.batch_norm(norms, momentum, epsilon, frozen)?;
                    norms += 1;
                }
            }
        }
        expansion.dropout(spec.head.dropout, MaskShape::Step, 1);
        Ok(expansion)
    }

    /// Adds a layer that reads what the one before gives.
    fn push(&mut self, layer: Layer) {
        let source = self.layers.len().checked_sub(1);
        self.push_over(source, layer);
    }

    fn push_over(&mut self, source: Option<usize>, layer: Layer) {
        self.width = layer.size();
        self.layers.push(layer);
        self.sources.push(source);
        self.ids = false;
    }

    /// Rows are read: a one-hot input has to stand in memory.
    fn wants_rows(&mut self) {
        self.one_hot_rows |= self.ids;
        self.ids = false;
    }

    fn dense(&mut self, index: usize, size: usize, activation: Activation) -> Result<()> {
        let of = |name: &str| range(self.params, &format!("dense{index}.{name}"));
        let layer = Dense { input: self.width, size, activation, one_hot: self.ids, weight: of("weight")?, bias: of("bias")? };
        self.push(Layer::Dense(layer));
        Ok(())
    }

    /// Dropout of what the layer before gives.
    fn dropout(&mut self, rate: f64, mask: MaskShape, copies: usize) {
        self.dropout_over(self.layers.len().checked_sub(1), rate, mask, copies);
    }

    fn dropout_over(&mut self, source: Option<usize>, rate: f64, mask: MaskShape, copies: usize) {
        if let Some(site) = self.site(rate, mask, copies, self.width) {
            self.wants_rows();
            let size = copies * self.width;
            self.push_over(source, Layer::Dropout(Dropout { site, size }));
        }
    }

    fn site(&mut self, rate: f64, mask: MaskShape, copies: usize, size: usize) -> Option<usize> {
        (rate > 0.0).then(|| {
            self.sites.push(Site { rate, mask, copies, size });
            self.sites.len() - 1
        })
    }

    fn batch_norm(&mut self, index: usize, momentum: f64, epsilon: f64, frozen: bool) -> Result<()> {
        self.wants_rows();
        let of = |name: &str| range(self.params, &format!("batch_norm{index}.{name}"));
        let layer = BatchNorm {
            size: self.width,
            momentum,
            epsilon,
            frozen,
            gamma: of("gamma")?,
            beta: of("beta")?,
            moving_mean: of("moving_mean")?,
            moving_variance: of("moving_variance")?,
        };
        self.push(Layer::BatchNorm(layer));
        Ok(())
    }

    /// A spec's recurrent layer; `second`: a reverse direction besides, and whether it is turned back.
    fn recurrent(&mut self, layer: &Directions, second: Option<bool>) -> Result<()> {
        let (source, width) = (self.layers.len().checked_sub(1), self.width);
        let mut slot = || self.carry.push(layer.size, layer.cell.has_cell_state());
        let forward = slot();
        let Some(turns) = second else { return self.direction(layer, source, forward, "") };
        let reverse = slot();
        self.wants_rows();
        // The reverse direction first: on the way back it then adds to what the forward one has set.
        self.push_over(source, Layer::Turn(Turn { size: width }));
        self.direction(layer, Some(self.layers.len() - 1), reverse, "_reverse")?;
        let reverse = self.layers.len() - 1;
        self.width = width;
        self.direction(layer, source, forward, "")?;
        let parts = [self.layers.len() - 1, reverse];
        self.push(Layer::Join(Join { parts, size: 2 * layer.size, turns }));
        Ok(())
    }

    /// One direction of a recurrent layer, with its dropout.
    fn direction(&mut self, layer: &Directions, source: Option<usize>, slot: usize, suffix: &str) -> Result<()> {
        let Directions { number, cell, size, dropout } = *layer;
        let (input, before) = (self.width, self.layers.len());
        let masks = if dropout.per_gate { cell.gates() } else { 1 };
        self.dropout_over(source, dropout.input, MaskShape::Sequence, masks);
        let dropped = self.layers.len() > before;
        let source = if dropped { Some(before) } else { source };
        let of = |name: &str| range(self.params, &format!("{name}_l{number}{suffix}"));
        let (weight_ih, weight_hh, bias_ih, bias_hh) = (of("weight_ih")?, of("weight_hh")?, of("bias_ih")?, of("bias_hh")?);
        let hidden_dropout = self.site(dropout.recurrent, MaskShape::Sequence, masks, size);
        let copies = if dropped { masks } else { 1 };
        let one_hot = self.ids;
        let layer = Recurrent { cell, input, copies, size, slot, one_hot, hidden_dropout, weight_ih, weight_hh, bias_ih, bias_hh };
        self.push_over(source, Layer::Recurrent(layer));
        Ok(())
    }
}

/// What both directions of a spec's recurrent layer share.
struct Directions {
    /// Its number among the recurrent layers of the spec.
    number: usize,
    cell: CellKind,
    size: usize,
    dropout: RecurrentDropout,
}
