//! The tables that kernels look their work up in: layers, carried states, matrices to pack, weight gradients. Made by the host, read only.

mod gradients;

use rnnkit_core::plan::{Layer, ModelPlan};

use crate::arguments::{CarriedState, NOWHERE, PackJob};
use crate::layout::{Entry, Layout, gate_stride};

pub use gradients::{GradientTables, JobRange};

/// Elements that a workgroup of the packing and summing kernels does.
const GROUP: usize = 256;

/// The matrices to pack after each update.
pub fn pack_jobs(plan: &ModelPlan, layout: &Layout) -> (Vec<PackJob>, usize) {
    let (mut jobs, mut groups) = (Vec::new(), 0);
    let mut push = |job: PackJob, elements: usize| {
        jobs.push(PackJob { first_group: groups as u32, ..job });
        groups += elements.div_ceil(GROUP);
    };
    for (index, layer) in plan.layers.iter().enumerate() {
        let Layer::Recurrent(layer) = layer else { continue };
        let place = layout.places[layer.slot];
        let (gates, stride) = (layer.cell.gates(), gate_stride(layer.cell));
        let base = PackJob { gates: gates as u32, stride: stride as u32, size: layer.size as u32, ..PackJob::default() };
        let (hidden, input) = (layer.weight_hh.start, layer.weight_ih.start);
        let matrices = [
            (FORWARD, hidden, layer.size, place.weights),
            (BACK, hidden, layer.size, place.weights_back),
            (FORWARD, input, layer.input, place.input_weights),
            (BACK, input, layer.input, place.input_weights_back),
        ];
        for (kind, weights, width, to) in matrices.into_iter().filter(|(.., to)| *to != NOWHERE) {
            let to = to * stride as u32;
            push(PackJob { kind, weights: weights as u32, width: width as u32, to, ..base }, layer.size * width);
        }
        if index == 0 && layout.entry.has_table() {
            // The rows of an embedding's symbols are a product; the row of no symbol alone is left.
            let (made, width) = match layout.entry {
                Entry::EmbeddingTable => (plan.spec.input.vocabulary().unwrap_or(0), 0),
                _ => (0, layer.input),
            };
            let to = layout.table + (made * gates * layer.size) as u32;
            let job = PackJob { kind: TABLE, weights: input as u32, width: width as u32, to, ..base };
            push(PackJob { bias: layer.bias_ih.start as u32, ..job }, gates * layer.size * (width + 1));
        }
    }
    (jobs, groups)
}

/// Kinds of packing, as pack.wgsl numbers them.
const FORWARD: u32 = 0;
const BACK: u32 = 1;
const TABLE: u32 = 2;

/// Where the carry's states lie, in the order of the carry.
pub fn carried_states(plan: &ModelPlan, layout: &Layout, lanes: usize) -> Vec<CarriedState> {
    let mut states = Vec::new();
    for (slot, place) in layout.places.iter().enumerate() {
        let mut push = |begin: usize, rows| states.push(CarriedState { begin: begin as u32, size: place.size, rows });
        push(plan.carry.hidden(slot, lanes).start, place.hidden);
        if let Some(range) = plan.carry.cell_state(slot, lanes) {
            push(range.start, place.cell_state);
        }
    }
    states
}
