//! The weights as the products want them, packed once after each update and read by all lane tiles.

mod bias;
mod gate_maps;
mod table;

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::cell::Cell;
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use crate::pool::ThreadPool;
use crate::simd::Isa;

use bias::Bias;
pub use gate_maps::GateMaps;
pub use table::Table;

/// Packed copies of a model's weights.
pub struct Weights {
    /// The parameters' version they were packed from; 0 = never.
    pub version: u64,
    /// One for each layer of the plan; `None` for one without weights to multiply.
    pub layers: Vec<Option<LayerWeights>>,
    /// The head's map, unless it is the identity.
    pub head: Option<GateMaps>,
}

/// A layer's packed weights.
pub struct LayerWeights {
    /// From the layer's input.
    pub input: InputMap,
    /// From the hidden state; `None` for a dense layer.
    pub hidden: Option<GateMaps>,
}

/// From a layer's input to its pre-activations.
pub enum InputMap {
    /// A product, for real rows.
    Product(GateMaps),
    /// A row of a table [V, G*H], bias included, for ids.
    Table(Table),
}

impl Weights {
    /// Packed copies of everything; zeros until the first `pack`.
    pub fn new(isa: Isa, plan: &ModelPlan, training: bool) -> Result<Self> {
        let layer = |layer: &Layer| {
            Ok(match layer {
                Layer::Recurrent(layer) => {
                    // Without a way back nothing is dropped, and one map does for all gates.
                    let copies = layer.hidden_dropout.filter(|_| training).map_or(1, |site| plan.sites[site].copies);
                    Some(LayerWeights::recurrent(isa, layer, copies, training)?)
                }
                Layer::Dense(layer) => {
                    let bias = Bias::One(layer.bias.clone());
                    let input = InputMap::new(isa, layer.one_hot, &layer.weight, [layer.size, 1], bias, training)?;
                    Some(LayerWeights { input, hidden: None })
                }
                Layer::Dropout(_) | Layer::BatchNorm(_) | Layer::Turn(_) | Layer::Join(_) => None,
            })
        };
        let head = |(weight, bias): &(Range<usize>, Range<usize>)| {
            GateMaps::new(isa, weight, [plan.head.size, 1], Bias::One(bias.clone()), training)
        };
        Ok(Self {
            version: 0,
            layers: plan.layers.iter().map(layer).collect::<Result<_>>()?,
            head: plan.head.weights.as_ref().map(head).transpose()?,
        })
    }

    /// Packs everything from the flat buffer.
    pub fn pack(&mut self, pool: &ThreadPool, parameters: &[f32], version: u64) {
        for layer in self.layers.iter_mut().flatten() {
            match &mut layer.input {
                InputMap::Product(maps) => maps.pack(pool, parameters),
                InputMap::Table(table) => table.pack(pool, parameters),
            }
            if let Some(hidden) = &mut layer.hidden {
                hidden.pack(pool, parameters);
            }
        }
        if let Some(head) = &mut self.head {
            head.pack(pool, parameters);
        }
        self.version = version;
    }
}

impl LayerWeights {
    fn recurrent(isa: Isa, layer: &Recurrent, hidden_copies: usize, training: bool) -> Result<Self> {
        fn is_split<C: Cell>(_: C) -> bool {
            C::SPLIT
        }
        let rows = layer.cell.gates() * layer.size;
        let (input_bias, hidden_bias) = if with_cell!(layer.cell, cell => is_split(cell)) {
            (Bias::One(layer.bias_ih.clone()), Bias::One(layer.bias_hh.clone()))
        } else {
            (Bias::Sum(layer.bias_ih.clone(), layer.bias_hh.clone()), Bias::Zero)
        };
        Ok(Self {
            input: InputMap::new(isa, layer.one_hot, &layer.weight_ih, [rows, layer.copies], input_bias, training)?,
            hidden: Some(GateMaps::new(isa, &layer.weight_hh, [rows, hidden_copies], hidden_bias, training)?),
        })
    }
}

impl InputMap {
    fn new(isa: Isa, one_hot: bool, weight: &Range<usize>, [rows, copies]: [usize; 2], bias_of: Bias, training: bool) -> Result<Self> {
        if !one_hot {
            return Ok(Self::Product(GateMaps::new(isa, weight, [rows, copies], bias_of, training)?));
        }
        Ok(Self::Table(Table::new(weight, rows, bias_of)?))
    }
}
