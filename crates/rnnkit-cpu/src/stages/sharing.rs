//! How threads share the layers of a block: by lanes, each thread taking tiles of its own through all time steps, or, where a hidden weight
//! is too large for a core's caches, by units, all threads at the same time step, so that each core reads its part of the weight alone and
//! for all lanes at once.
//!
//! Every element is made by the same chain of operations either way.

use std::ops::Range;

use rnnkit_core::plan::{Layer, Recurrent};

use super::layers::{Layers, pieces};
use super::recurrent::Recurrence;
use crate::matrix::{Matrix, MatrixMut};
use crate::pool::ThreadPool;
use crate::product::Turn;
use crate::weights::{GateMaps, InputMap};
use crate::workspace::LaneTile;

/// The threads, and the layers of a model.
pub struct Sharing<'a> {
    pub pool: &'a ThreadPool,
    pub layers: Layers<'a>,
}

impl Sharing<'_> {
    /// Some layers forward over some time steps.
    pub fn forward(&self, tiles: &mut [LaneTile], layers: Range<usize>, steps: Range<usize>) {
        for run in self.runs(layers) {
            match self.shared(&run) {
                Some((layer, width)) => self.units_forward(tiles, run.start, layer, width, steps.clone()),
                None => self.pool.for_each(tiles, |_, tile| run.clone().for_each(|at| self.layers.forward(tile, at, steps.clone()))),
            }
        }
    }

    /// The same back, last layer first.
    pub fn backward(&self, tiles: &mut [LaneTile], layers: Range<usize>, steps: Range<usize>) {
        for run in self.runs(layers).collect::<Vec<_>>().into_iter().rev() {
            match self.shared(&run) {
                Some((layer, width)) => self.units_backward(tiles, run.start, layer, width, steps.clone()),
                None => self.pool.for_each(tiles, |_, tile| run.clone().rev().for_each(|at| self.layers.backward(tile, at, steps.clone()))),
            }
        }
    }

    /// `layers` in runs: one whose units are shared alone, others together.
    fn runs(&self, layers: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let is_shared = |at: &usize| self.layers.shared_units(*at).is_some();
        let mut at = layers.start;
        std::iter::from_fn(move || {
            let start = at;
            at =
                if start < layers.end && is_shared(&start) { start + 1 } else { (start..layers.end).find(is_shared).unwrap_or(layers.end) };
            (start < layers.end).then_some(start..at)
        })
    }

    /// The layer of a run whose units are shared, and how many are taken at a time.
    fn shared(&self, run: &Range<usize>) -> Option<(&Recurrent, usize)> {
        match &self.layers.plan.layers[run.start] {
            Layer::Recurrent(layer) => Some((layer, self.layers.shared_units(run.start)?)),
            _ => None,
        }
    }

    fn units_forward(&self, tiles: &mut [LaneTile], index: usize, layer: &Recurrent, width: usize, steps: Range<usize>) {
        match tiles {
            [tile] => self.input_forward(tile, index, layer, steps.clone()),
            _ => self.pool.for_each(tiles, |_, tile| self.layers.inputs_forward(tile, index, layer, steps.clone())),
        }
        let recurrences = self.recurrences(tiles, index, layer);
        for t in steps.take_while(|_| !self.layers.stops()) {
            self.for_units(&recurrences, layer.size, width, |units| {
                // SAFETY: the steps follow one another, and tasks have units of their own.
                unsafe { self.layers.units_forward(&recurrences, index, layer, t, units) }
            });
        }
    }

    /// The input product of the only tile, in pieces of its columns where it is one.
    fn input_forward(&self, tile: &mut LaneTile, index: usize, layer: &Recurrent, steps: Range<usize>) {
        let Some((map, panels)) = self.input_panels(index, GateMaps::panels) else {
            return self.layers.inputs_forward(tile, index, layer, steps);
        };
        let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
        let (space, input, ..) = tile.layer(index);
        for piece in pieces(steps, n, layer).take_while(|_| !self.layers.stops()) {
            let rows = piece.start * n..piece.end * n;
            let x = Matrix::new(&input[rows.start * map.width()..rows.end * map.width()], rows.len(), map.width());
            let out = MatrixMut::new(&mut space.gates[rows.start * width..rows.end * width], rows.len(), width);
            self.for_parts(panels, |panels| {
                // SAFETY: tasks have panels of their own.
                unsafe { map.forward_panels(x, &out, panels) }
            });
        }
    }

    /// Its way back, if somebody wants it.
    fn input_backward(&self, tile: &mut LaneTile, index: usize, layer: &Recurrent, steps: Range<usize>) {
        let Some((map, panels)) = self.input_panels(index, GateMaps::panels_back) else {
            return self.layers.inputs_backward(tile, index, layer, steps);
        };
        let (n, width) = (tile.n(), layer.cell.gates() * layer.size);
        let (space, _, d_input, _) = tile.layer(index);
        if d_input.is_empty() {
            return;
        }
        for piece in pieces(steps, n, layer).take_while(|_| !self.layers.stops()) {
            let rows = piece.start * n..piece.end * n;
            let dy = Matrix::new(&space.gates[rows.start * width..rows.end * width], rows.len(), width);
            let dx = MatrixMut::new(&mut d_input[rows.start * map.width()..rows.end * map.width()], rows.len(), map.width());
            self.for_parts(panels, |panels| {
                // SAFETY: tasks have panels of their own.
                unsafe { map.back_panels(dy, &dx, panels) }
            });
        }
    }

    /// The input product of a layer and its panels, if it has any.
    fn input_panels(&self, index: usize, panels: fn(&GateMaps) -> usize) -> Option<(&GateMaps, usize)> {
        match &self.layers.weights.layers[index].as_ref()?.input {
            InputMap::Product(map) => Some((map, panels(map))).filter(|(_, panels)| *panels > 0),
            InputMap::Table(_) => None,
        }
    }

    fn units_backward(&self, tiles: &mut [LaneTile], index: usize, layer: &Recurrent, width: usize, steps: Range<usize>) {
        let recurrences = self.recurrences(tiles, index, layer);
        for t in steps.clone().rev().take_while(|_| !self.layers.stops()) {
            self.for_units(&recurrences, layer.size, width, |units| {
                // SAFETY: the steps follow one another, and tasks have units of their own.
                unsafe { self.layers.units_backward(&recurrences, index, layer, t, units) }
            });
        }
        if steps.start == 0 {
            self.for_units(&recurrences, layer.size, width, |units| {
                // SAFETY: all steps are done, and tasks have units of their own.
                unsafe { self.layers.carry_backward(&recurrences, index, layer, units) }
            });
        }
        drop(recurrences);
        match tiles {
            [tile] => self.input_backward(tile, index, layer, steps),
            _ => self.pool.for_each(tiles, |_, tile| self.layers.inputs_backward(tile, index, layer, steps.clone())),
        }
    }

    fn recurrences<'t>(&self, tiles: &'t mut [LaneTile], index: usize, layer: &Recurrent) -> Vec<Recurrence<'t>> {
        let Layers { isa, time, .. } = self.layers;
        let of = tiles.len();
        let recurrence = |(number, tile)| Recurrence::new(isa, tile, index, layer, time, Turn { number, of });
        tiles.iter_mut().enumerate().map(recurrence).collect()
    }

    /// Calls `work` for `width` units at a time, which several tiles meet while they are in the caches, or for all of a thread's at once, if
    /// there is one tile alone; each thread has units that lie side by side.
    fn for_units(&self, tiles: &[Recurrence], size: usize, width: usize, work: impl Fn(Range<usize>) + Sync) {
        self.for_parts(size.div_ceil(width), |panels| {
            let at_once = if tiles.len() == 1 { panels.len() } else { 1 };
            panels.clone().step_by(at_once).for_each(|panel| work(panel * width..size.min((panel + at_once) * width)));
        });
    }

    /// Calls `work` once on each thread with its part of `panels`; none is empty.
    fn for_parts(&self, panels: usize, work: impl Fn(Range<usize>) + Sync) {
        let parts = self.pool.threads().min(panels);
        self.pool.run(parts, &|part| work(part * panels / parts..(part + 1) * panels / parts));
    }
}
