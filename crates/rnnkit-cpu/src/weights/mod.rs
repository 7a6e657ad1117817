//! The weights as the products want them, packed once after each update and read by all lane tiles.

mod bias;
mod gate_maps;
mod table;

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};

use crate::pool::ThreadPool;
use crate::product::Packing;

use bias::Bias;
pub use gate_maps::{Cut, GateMaps};
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
    /// Packed copies of everything, with a way back if there is `training`; zeros until the first `pack`. Threads share the units of layers
    /// with `least_shared` hidden weights or more.
    pub fn new(packing: Packing, least_shared: usize, plan: &ModelPlan, training: bool) -> Result<Self> {
        let layer = |layer: &Layer| {
            Ok(match layer {
                Layer::Recurrent(layer) => {
                    // Without a way back nothing is dropped, and one map does for all gates.
                    let dropped = layer.hidden_dropout.filter(|_| training);
                    let copies = dropped.map_or(1, |site| plan.sites[site].copies);
                    // With dropout of h, every unit's product needs all of h at once.
                    let by_units = dropped.is_none() && layer.weight_hh.len() >= least_shared;
                    Some(LayerWeights::recurrent(packing, layer, copies, by_units, training)?)
                }
                Layer::Dense(layer) => {
                    let bias = Bias::One(layer.bias.clone());
                    let input = InputMap::new(packing, layer.one_hot, &layer.weight, layer.size, Cut::WHOLE, bias, training)?;
                    Some(LayerWeights { input, hidden: None })
                }
                Layer::Dropout(_) | Layer::BatchNorm(_) | Layer::Turn(_) | Layer::Join(_) => None,
            })
        };
        let head = |(weight, bias): &(Range<usize>, Range<usize>)| {
            GateMaps::new(packing, weight, plan.head.size, Cut::WHOLE, Bias::One(bias.clone()), training)
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

/// The hidden weights from which on threads share the units of a layer at every time step, instead of taking the whole weight through their
/// caches for lanes of their own: the fewest weights that a layer has then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedSizes {
    /// Whatever the lanes.
    pub any: usize,
    /// Where there is one lane tile alone, so that by lanes one thread would work: less is done in the time that threads take to meet.
    pub one_tile: usize,
}

impl SharedSizes {
    /// Every layer.
    pub const ALL: Self = Self { any: 0, one_tile: 0 };
    /// No layer.
    pub const NONE: Self = Self { any: usize::MAX, one_tile: usize::MAX };

    /// The fewest weights where there are so many lane tiles.
    pub fn least(self, tiles: usize) -> usize {
        if tiles == 1 { self.one_tile } else { self.any }
    }
}

impl Default for SharedSizes {
    /// 8 MB no longer stay in a core's caches from one time step to the next. Measured with 64 lanes: 2^22 weights 1.3 to 1.5 times as fast as
    /// by lanes, 2^20 as fast.
    fn default() -> Self {
        Self { any: 1 << 21, one_tile: 1 << 17 }
    }
}

impl LayerWeights {
    fn recurrent(packing: Packing, layer: &Recurrent, hidden_copies: usize, by_units: bool, training: bool) -> Result<Self> {
        let gates = layer.cell.gates();
        let rows = gates * layer.size;
        let (input_bias, hidden_bias) = if layer.cell.is_split() {
            (Bias::One(layer.bias_ih.clone()), Bias::One(layer.bias_hh.clone()))
        } else {
            (Bias::Sum(layer.bias_ih.clone(), layer.bias_hh.clone()), Bias::Zero)
        };
        let cut = |copies, by_units| Cut { gates, copies, by_units };
        let input = cut(layer.copies, false);
        let hidden = cut(hidden_copies, by_units);
        Ok(Self {
            input: InputMap::new(packing, layer.one_hot, &layer.weight_ih, rows, input, input_bias, training)?,
            hidden: Some(GateMaps::new(packing, &layer.weight_hh, rows, hidden, hidden_bias, training)?),
        })
    }
}

impl InputMap {
    fn new(packing: Packing, one_hot: bool, weight: &Range<usize>, rows: usize, cut: Cut, bias_of: Bias, training: bool) -> Result<Self> {
        if !one_hot {
            return Ok(Self::Product(GateMaps::new(packing, weight, rows, cut, bias_of, training)?));
        }
        Ok(Self::Table(Table::new(weight, rows, bias_of)?))
    }
}
