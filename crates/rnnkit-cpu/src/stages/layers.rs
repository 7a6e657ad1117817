//! One layer over a window: products in pieces with a look at the abort flag between them, the loop over time on one lane tile, and one time
//! step of some units for the threads that share those (`sharing.rs`).

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use super::recurrent::{self, Recurrence};
use super::{rows, rows_at_once};
use crate::product::Turn;
use crate::simd::Isa;
use crate::weights::{GateMaps, Weights};
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
        let Layer::Recurrent(layer) = &self.plan.layers[index] else {
            return rows::forward(self.isa, tile, self.plan, index, self.weights.layers[index].as_ref(), self.time);
        };
        self.inputs_forward(tile, index, layer, steps.clone());
        let recurrence = [Recurrence::new(self.isa, tile, index, layer, self.time, Turn::ONLY)];
        for t in steps {
            if self.stops() {
                return;
            }
            // SAFETY: the steps follow one another, and all units are ours.
            unsafe { self.units_forward(&recurrence, index, layer, t, 0..layer.size) }
        }
    }

    /// The same back.
    pub fn backward(&self, tile: &mut LaneTile, index: usize, steps: Range<usize>) {
        let Layer::Recurrent(layer) = &self.plan.layers[index] else {
            return rows::backward(self.isa, tile, self.plan, index, self.weights.layers[index].as_ref(), self.time);
        };
        let recurrence = [Recurrence::new(self.isa, tile, index, layer, self.time, Turn::ONLY)];
        for t in steps.clone().rev() {
            if self.stops() {
                return;
            }
            // SAFETY: the steps follow one another, and all units are ours.
            unsafe { self.units_backward(&recurrence, index, layer, t, 0..layer.size) }
        }
        if steps.start == 0 {
            // SAFETY: all steps are done, and all units are ours.
            unsafe { self.carry_backward(&recurrence, index, layer, 0..layer.size) }
        }
        self.inputs_backward(tile, index, layer, steps);
    }

    /// What a recurrent layer's input adds to its pre-activations.
    pub fn inputs_forward(&self, tile: &mut LaneTile, index: usize, layer: &Recurrent, steps: Range<usize>) {
        let Some(weights) = &self.weights.layers[index] else { return };
        for piece in pieces(steps, tile.n(), layer).take_while(|_| !self.stops()) {
            recurrent::input_forward(tile, index, layer, weights, piece);
        }
    }

    /// From the gradients of a recurrent layer's pre-activations to those of its input.
    pub fn inputs_backward(&self, tile: &mut LaneTile, index: usize, layer: &Recurrent, steps: Range<usize>) {
        let Some(weights) = &self.weights.layers[index] else { return };
        for piece in pieces(steps, tile.n(), layer).take_while(|_| !self.stops()) {
            recurrent::input_backward(tile, index, layer, weights, piece);
        }
    }

    /// How many units the threads that share a layer take at a time; `None` for one whose lanes they share.
    pub fn shared_units(&self, index: usize) -> Option<usize> {
        self.hidden_map(index)?.shared_by()
    }

    fn hidden_map(&self, index: usize) -> Option<&GateMaps> {
        self.weights.layers[index].as_ref()?.hidden.as_ref()
    }

    /// Time step t of some units on some tiles.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    pub unsafe fn units_forward(&self, tiles: &[Recurrence], index: usize, layer: &Recurrent, t: usize, units: Range<usize>) {
        let Some(map) = self.hidden_map(index) else { return };
        with_cell!(layer.cell, cell => for tile in tiles {
            // SAFETY: as for this function.
            unsafe { tile.forward(cell, map, t, &units) }
        });
    }

    /// The same back.
    ///
    /// # Safety
    /// As [`Recurrence`] says.
    pub unsafe fn units_backward(&self, tiles: &[Recurrence], index: usize, layer: &Recurrent, t: usize, units: Range<usize>) {
        let Some(map) = self.hidden_map(index) else { return };
        with_cell!(layer.cell, cell => for tile in tiles {
            // SAFETY: as for this function.
            unsafe { tile.backward(cell, map, t, &units) }
        });
    }

    /// The gradient of the carry that the window started from, if a tap wants it.
    ///
    /// # Safety
    /// As [`Recurrence`] says, after the first time step.
    pub unsafe fn carry_backward(&self, tiles: &[Recurrence], index: usize, layer: &Recurrent, units: Range<usize>) {
        let Some(map) = self.hidden_map(index) else { return };
        with_cell!(layer.cell, cell => for tile in tiles.iter().filter(|tile| tile.is_tapped()) {
            // SAFETY: as for this function.
            unsafe { tile.hidden_backward(cell, map, 0, &units) }
        });
    }

    /// Whether the call was asked to stop.
    pub fn stops(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }
}

/// `steps` in pieces of some time steps each, in order, for the input product of a layer on n lanes.
pub fn pieces(steps: Range<usize>, n: usize, layer: &Recurrent) -> impl Iterator<Item = Range<usize>> + use<> {
    let length = rows_at_once(layer.cell.gates() * layer.size, layer.input).div_ceil(n.max(1));
    steps.clone().step_by(length).map(move |t| t..steps.end.min(t + length))
}
