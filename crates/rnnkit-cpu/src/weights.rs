//! The weights as the products want them, packed once after each update and read by all lane tiles.

use std::ops::Range;

use rnnkit_core::Result;
use rnnkit_core::cell::Cell;
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use crate::aligned::Aligned;
use crate::pool::ThreadPool;
use crate::product::{PackedMatrix, Source};
use crate::simd::{Isa, LANES};

/// Packed copies of a model's weights.
pub struct Weights {
    /// The parameters' version they were packed from; 0 = never.
    pub version: u64,
    /// One for each layer of the plan; `None` for dropout.
    pub layers: Vec<Option<LayerWeights>>,
    /// The head's map, unless it is the identity.
    pub head: Option<Affine>,
}

/// A layer's packed weights.
pub struct LayerWeights {
    /// From the layer's input.
    pub input: InputMap,
    /// From the hidden state; `None` for a dense layer.
    pub hidden: Option<Affine>,
}

/// From a layer's input to its pre-activations.
pub enum InputMap {
    /// A product, for real rows.
    Product(Affine),
    /// A row of a table [V, G*H], bias included, for ids.
    Table(Table),
}

/// y = W x + b with W [P, Q]: packed both ways.
pub struct Affine {
    /// Where W and b lie in the flat buffer.
    weight: Range<usize>,
    /// Of x: [Q, P] = Wᵀ.
    pub forward: PackedMatrix,
    /// Of dy: [P, Q] = W; `None` where there is no way back.
    pub backward: Option<PackedMatrix>,
    /// b [P], as [`Bias`] says.
    pub bias: Aligned,
    bias_of: Bias,
}

/// The columns of a weight, each a row with the bias added.
pub struct Table {
    weight: Range<usize>,
    /// [V, P].
    pub rows: Aligned,
    bias_of: Bias,
    /// P.
    pub width: usize,
}

/// Which biases a map adds.
#[derive(Clone)]
enum Bias {
    One(Range<usize>),
    /// The sum of two: b_ih + b_hh, where a cell adds its pre-activations anyway.
    Sum(Range<usize>, Range<usize>),
    /// None: they are in the other map.
    Zero,
}

impl Bias {
    fn write(&self, parameters: &[f32], out: &mut [f32]) {
        match self {
            Bias::One(one) => out.copy_from_slice(&parameters[one.clone()]),
            Bias::Sum(a, b) => {
                for (out, (a, b)) in out.iter_mut().zip(parameters[a.clone()].iter().zip(&parameters[b.clone()])) {
                    *out = a + b;
                }
            }
            Bias::Zero => out.fill(0.0),
        }
    }
}

impl Weights {
    /// Packed copies of everything; zeros until the first `pack`.
    pub fn new(isa: Isa, plan: &ModelPlan, training: bool) -> Result<Self> {
        let layer = |layer: &Layer| {
            Ok(match layer {
                Layer::Recurrent(layer) => Some(LayerWeights::recurrent(isa, layer, training)?),
                Layer::Dense(layer) => {
                    let bias = Bias::One(layer.bias.clone());
                    let input = InputMap::new(isa, layer.one_hot, &layer.weight, layer.size, bias, training)?;
                    Some(LayerWeights { input, hidden: None })
                }
                Layer::Dropout(_) => None,
            })
        };
        let head =
            |(weight, bias): &(Range<usize>, Range<usize>)| Affine::new(isa, weight, plan.head.size, Bias::One(bias.clone()), training);
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
                InputMap::Product(affine) => affine.pack(pool, parameters),
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
    fn recurrent(isa: Isa, layer: &Recurrent, training: bool) -> Result<Self> {
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
            input: InputMap::new(isa, layer.one_hot, &layer.weight_ih, rows, input_bias, training)?,
            hidden: Some(Affine::new(isa, &layer.weight_hh, rows, hidden_bias, training)?),
        })
    }
}

impl InputMap {
    fn new(isa: Isa, one_hot: bool, weight: &Range<usize>, rows: usize, bias_of: Bias, training: bool) -> Result<Self> {
        if !one_hot {
            return Ok(Self::Product(Affine::new(isa, weight, rows, bias_of, training)?));
        }
        let table = Table { weight: weight.clone(), rows: Aligned::zeros(weight.len())?, bias_of, width: rows };
        Ok(Self::Table(table))
    }
}

impl Affine {
    fn new(isa: Isa, weight: &Range<usize>, p: usize, bias_of: Bias, training: bool) -> Result<Self> {
        let q = weight.len() / p;
        Ok(Self {
            weight: weight.clone(),
            forward: PackedMatrix::new(isa, q, p)?,
            backward: training.then(|| PackedMatrix::new(isa, p, q)).transpose()?,
            bias: Aligned::zeros(p)?,
            bias_of,
        })
    }

    fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        let weight = &parameters[self.weight.clone()];
        self.forward.pack(pool, Source::Transposed(weight));
        if let Some(backward) = &mut self.backward {
            backward.pack(pool, Source::RowMajor(weight));
        }
        self.bias_of.write(parameters, &mut self.bias);
    }
}

impl Table {
    fn pack(&mut self, pool: &ThreadPool, parameters: &[f32]) {
        let (width, weight) = (self.width, &parameters[self.weight.clone()]);
        let symbols = weight.len() / width;
        let bias_of = self.bias_of.clone();
        // In blocks of as many symbols as fill a cache line of the weight, so that each line is read once.
        pool.for_each_chunk(&mut self.rows, LANES * width, |block, rows| {
            for row in rows.chunks_exact_mut(width) {
                bias_of.write(parameters, row);
            }
            let first = block * LANES;
            let count = rows.len() / width;
            for (p, weights) in weight.chunks_exact(symbols).enumerate() {
                for (row, &w) in weights[first..first + count].iter().enumerate() {
                    rows[row * width + p] += w;
                }
            }
        });
    }

    /// The row of a symbol.
    pub fn row(&self, id: u32) -> &[f32] {
        &self.rows[id as usize * self.width..(id as usize + 1) * self.width]
    }
}
