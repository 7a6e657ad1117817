//! Which form each recurrent layer runs in: THE table, by cell, size, lanes and the limits of the adapter.

use std::ops::Range;

use rnnkit_core::backend::Shape;
use rnnkit_core::cell::CellKind;
use rnnkit_core::plan::{Layer, ModelPlan};

use crate::layout::segments;
use crate::resident::{Budgets, ResidentShapes};
use crate::{Form, Precision};

/// A run of layers that is done by one method.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// A layer without memory: over all time steps at once.
    Rows(usize),
    /// Adjacent recurrent layers of one cell, each with the dropout behind it.
    Stack {
        /// Their cell.
        cell: CellKind,
        /// Their place in the plan.
        layers: Range<usize>,
    },
}

/// Bytes of weights that a resident layer may fetch anew at every time step: a multiprocessor's cache beside its workgroup memory has them at
/// hand, and fetching them takes no longer than the dispatch that the step form has for a time step, about 2 µs.
const STREAMED: usize = 128 << 10;
/// Lanes, at most, for the resident form: 8 in each of the workgroups that a large device runs at once. Beyond them it would go through all
/// time steps again and again, while a dispatch of the step form then has work enough for the whole device.
const RESIDENT_LANES: usize = 1024;
/// Time steps, at least: fewer do not make up for the weights' way into registers, and for a product and a dispatch a layer instead of one
/// dispatch for all layers.
const RESIDENT_TIME: usize = 8;

/// The forms of a plan's layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Forms {
    /// In the order of the layers, each stack with its form.
    pub segments: Vec<(Segment, Form)>,
    /// Whether a layer multiplies the output of the one below within its own kernel.
    joins: Vec<bool>,
    /// How the layers of resident stacks are cut.
    resident: Vec<Option<ResidentShapes>>,
}

impl Forms {
    /// Chooses for every stack; `forced` is taken wherever it is possible.
    pub fn choose(plan: &ModelPlan, shape: Shape, forced: Option<Form>, budgets: &Budgets, precision: Precision) -> Self {
        let mut joins = vec![false; plan.layers.len()];
        let mut resident = vec![None; plan.layers.len()];
        let segments = segments(plan)
            .into_iter()
            .map(|segment| {
                let Segment::Stack { cell, layers } = &segment else { return (segment, Form::Step) };
                let recurrent = layers.clone().filter(|&index| matches!(plan.layers[index], Layer::Recurrent(_)));
                let shapes: Vec<_> = recurrent
                    .map(|index| (index, ResidentShapes::new(*cell, plan.layers[index].size(), shape.lanes, precision, budgets)))
                    .collect();
                let largest = shapes.iter().map(|(index, _)| plan.layers[*index].size()).max().unwrap_or(0);
                let possible = shapes.iter().all(|(_, shapes)| shapes.is_some());
                let form = match forced {
                    Some(Form::Resident) if possible => Form::Resident,
                    None if possible && pays(*cell, largest, shape, budgets, precision) => Form::Resident,
                    _ => Form::Step,
                };
                for (place, (index, shapes)) in shapes.into_iter().enumerate() {
                    match form {
                        Form::Step => joins[index] = place > 0,
                        Form::Resident => resident[index] = shapes,
                    }
                }
                (segment, form)
            })
            .collect();
        Self { segments, joins, resident }
    }

    /// Whether the plan's layer reads the one below within its own kernel.
    pub fn joins(&self, layer: usize) -> bool {
        self.joins[layer]
    }

    /// How the plan's layer is cut; nothing where it is not resident.
    pub fn resident(&self, layer: usize) -> Option<ResidentShapes> {
        self.resident[layer]
    }
}

/// THE table: whether the resident form is thought to be the faster for a stack whose largest layer has `size` units.
fn pays(cell: CellKind, size: usize, shape: Shape, budgets: &Budgets, precision: Precision) -> bool {
    size <= resident_up_to(cell, budgets, precision) && shape.lanes <= RESIDENT_LANES && shape.time >= RESIDENT_TIME
}

/// The largest hidden size of which one workgroup can keep nearly all weights, so that no more than [`STREAMED`] are fetched again.
pub fn resident_up_to(cell: CellKind, budgets: &Budgets, precision: Precision) -> usize {
    let fits = |size: &usize| {
        let shapes = ResidentShapes::new(cell, *size, 1, precision, budgets);
        shapes.is_some_and(|shapes| shapes.streamed_bytes(precision) <= STREAMED)
    };
    (1..=budgets.threads).take_while(fits).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_table() {
        for (t, m) in [(256, 16384), (1024, 32768), (1024, 49152)] {
            let b = Budgets::of(&wgpu::Limits {
                max_compute_invocations_per_workgroup: t,
                max_compute_workgroup_size_x: t,
                max_compute_workgroup_storage_size: m,
                ..wgpu::Limits::default()
            });
            for cell in [CellKind::ElmanTanh, CellKind::Gru, CellKind::Lstm] {
                println!("{t} {m} {cell:?} {} {}", resident_up_to(cell, &b, Precision::F32), resident_up_to(cell, &b, Precision::F16));
            }
        }
    }
}
