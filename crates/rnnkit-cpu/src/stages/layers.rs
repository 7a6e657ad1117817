//! One layer of one lane tile over a window: products in pieces with a look at the abort flag between them, and the loop over time.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use super::{recurrent, rows, rows_at_once};
use crate::simd::Isa;
use crate::weights::Weights;
use crate::workspace::LaneTile;

/// What the layers of a model need to run on a tile.
pub struct Layers<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// The model.
    pub plan: &'a ModelPlan,
    /// Its weights.
    pub weights: &'a Weights,
    /// Time steps T of the window.
    pub time: usize,
    /// Looked at between time steps and pieces; what is left undone then is told by the flag.
    pub abort: &'a AtomicBool,
}

impl Layers<'_> {
    /// A layer forward: some time steps of a recurrent one, the whole window of another.
    pub fn forward(&self, tile: &mut LaneTile, index: usize, steps: Range<usize>) {
        let (Layer::Recurrent(layer), Some(weights)) = (&self.plan.layers[index], &self.weights.layers[index]) else {
            return rows::forward(self.isa, tile, self.plan, index, self.weights.layers[index].as_ref(), self.time);
        };
        for piece in pieces(steps.clone(), tile.n(), layer) {
            if self.stops() {
                return;
            }
            recurrent::input_forward(tile, index, layer, weights, piece);
        }
        with_cell!(layer.cell, cell => {
            for t in steps {
                if self.stops() {
                    return;
                }
                recurrent::state_forward(self.isa, cell, tile, index, layer, weights, t);
            }
        });
    }

    /// The same back.
    pub fn backward(&self, tile: &mut LaneTile, index: usize, steps: Range<usize>) {
        let (Layer::Recurrent(layer), Some(weights)) = (&self.plan.layers[index], &self.weights.layers[index]) else {
            return rows::backward(self.isa, tile, self.plan, index, self.weights.layers[index].as_ref(), self.time);
        };
        with_cell!(layer.cell, cell => {
            for t in steps.clone().rev() {
                if self.stops() {
                    return;
                }
                recurrent::state_backward(self.isa, cell, tile, index, layer, weights, t, t + 1 == self.time);
            }
        });
        for piece in pieces(steps, tile.n(), layer) {
            if self.stops() {
                return;
            }
            recurrent::input_backward(tile, index, layer, weights, piece);
        }
    }

    fn stops(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }
}

/// `steps` in pieces of some time steps each, in order, for the input product of a layer on n lanes.
fn pieces(steps: Range<usize>, n: usize, layer: &Recurrent) -> impl Iterator<Item = Range<usize>> + use<> {
    let length = rows_at_once(layer.cell.gates() * layer.size, layer.input).div_ceil(n.max(1));
    steps.clone().step_by(length).map(move |t| t..steps.end.min(t + length))
}
