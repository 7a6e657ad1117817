//! The tables that kernels look their work up in: layers, carried states, matrices to pack, weight gradients. Made by the host, read only.

use std::ops::Range;

use rnnkit_core::backend::{Part, weighted_parts};
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::spec::Predict;

use crate::arguments::{CarriedState, GradientJob, NOWHERE, PackJob, PartsJob};
use crate::layout::{Entry, Layout, TILE, gate_stride, parts_of};
use crate::work::product_of;

/// Elements that a workgroup of the packing and summing kernels does.
const GROUP: usize = 256;
/// Columns that a workgroup of weight_gradients.wgsl sums over all positions, and over those of one symbol.
const SUM_COLUMNS: usize = 16;
const SYMBOL_COLUMNS: usize = 64;

/// A run of jobs in a table, and the workgroups that do them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRange {
    /// In the table.
    pub jobs: Range<usize>,
    /// Workgroups of all of them.
    pub groups: usize,
}

/// The sums that weight gradients are made of; none where there is no way back.
#[derive(Default)]
pub struct GradientTables {
    /// All jobs.
    pub jobs: Vec<GradientJob>,
    /// Sums of parts.
    pub sums: Vec<PartsJob>,
    /// For each part of the model: its jobs, and its sums of parts.
    pub parts: Vec<(Part, JobRange, JobRange)>,
}

impl GradientTables {
    /// The jobs of all parts together.
    pub fn all(&self) -> (JobRange, JobRange) {
        let groups = |of: fn(&(Part, JobRange, JobRange)) -> &JobRange| self.parts.iter().map(|part| of(part).groups).sum();
        (
            JobRange { jobs: 0..self.jobs.len(), groups: groups(|part| &part.1) },
            JobRange { jobs: 0..self.sums.len(), groups: groups(|part| &part.2) },
        )
    }

    /// How often a workgroup of those jobs multiplies at most: one that makes a tile of a product.
    pub fn products_of_a_group(&self, range: &JobRange) -> u64 {
        let positions = self.jobs[range.jobs.clone()].iter().map(|job| job.part_positions as usize).max();
        product_of([TILE, TILE, positions.unwrap_or(0)])
    }

    /// The tables for windows of `time` steps.
    pub fn new(plan: &ModelPlan, layout: &Layout, lanes: usize, time: usize) -> Self {
        let mut builder = Builder { plan, layout, lanes, time, jobs: Vec::new(), sums: Vec::new(), groups: 0, sum_groups: 0, scratch: 0 };
        let parts = weighted_parts(plan)
            .into_iter()
            .map(|part| {
                let (jobs, sums, groups, sum_groups) = (builder.jobs.len(), builder.sums.len(), builder.groups, builder.sum_groups);
                builder.part(part);
                let range = |jobs, groups| JobRange { jobs, groups };
                (
                    part,
                    range(jobs..builder.jobs.len(), builder.groups - groups),
                    range(sums..builder.sums.len(), builder.sum_groups - sum_groups),
                )
            })
            .collect();
        Self { jobs: builder.jobs, sums: builder.sums, parts }
    }
}

/// Kinds of jobs, as weight_gradients.wgsl numbers them.
const PRODUCT: u32 = 0;
const SUM: u32 = 1;
const SYMBOLS: u32 = 2;

struct Builder<'a> {
    plan: &'a ModelPlan,
    layout: &'a Layout,
    lanes: usize,
    time: usize,
    jobs: Vec<GradientJob>,
    sums: Vec<PartsJob>,
    groups: usize,
    sum_groups: usize,
    scratch: usize,
}

impl Builder<'_> {
    fn rows(&self) -> usize {
        self.lanes * self.time
    }

    /// Input rows of a layer, or of the head.
    fn input_of(&self, layer: usize) -> u32 {
        layer.checked_sub(1).map_or(self.layout.input, |below| self.layout.layers[below].output)
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Head => self.head(),
            Part::Embedding if self.layout.entry == Entry::EmbeddingRows => {
                let (table, width) = (self.plan.embedding.clone().unwrap_or_default(), self.plan.spec.input.width());
                self.symbols(self.layout.d_input, width, table.start as u32, true, width, 1);
            }
            // By way of the table's rows: two products that wait for their sums.
            Part::Embedding => {}
            Part::Layer(index) => match &self.plan.layers[index] {
                Layer::Recurrent(layer) => self.recurrent(index, layer),
                Layer::Dense(layer) => {
                    let dy = self.layout.layers[index].d_output;
                    if layer.one_hot {
                        self.symbols(dy, layer.size, layer.weight.start as u32, true, 1, layer.input);
                    } else {
                        self.product(dy, layer.size, self.input_of(index), layer.input, self.rows(), layer.weight.start);
                    }
                    self.sum(dy, layer.size, self.rows(), layer.bias.start, None);
                }
                Layer::Dropout(_) => {}
            },
        }
    }

    fn head(&mut self) {
        let head = &self.plan.head;
        let Some((weight, bias)) = &head.weights else { return };
        let (first, rows) = match head.predict {
            Predict::EveryStep => (0, self.rows()),
            Predict::LastStep => ((self.time - 1) * self.lanes, self.lanes),
        };
        let x = self.input_of(self.plan.layers.len()) + (first * head.input) as u32;
        self.product(self.layout.logits, head.size, x, head.input, rows, weight.start);
        self.sum(self.layout.logits, head.size, rows, bias.start, None);
    }

    fn recurrent(&mut self, index: usize, layer: &Recurrent) {
        let place = self.layout.places[layer.slot];
        let (gates, rows) = (layer.cell.gates() * layer.size, self.rows());
        if layer.one_hot {
            self.symbols(place.d_input, gates, layer.weight_ih.start as u32, true, 1, layer.input);
        } else if index == 0 && self.layout.entry == Entry::EmbeddingTable {
            self.symbols(place.d_input, gates, self.layout.d_table, false, gates, 1);
        } else {
            self.product(place.d_input, gates, self.input_of(index), layer.input, rows, layer.weight_ih.start);
        }
        // The states begin with those the window starts from: row t is what time step t multiplies.
        self.product(place.d_hidden, gates, place.hidden, layer.size, rows, layer.weight_hh.start);
        if place.d_hidden == place.d_input {
            self.sum(place.d_input, gates, rows, layer.bias_ih.start, Some(layer.bias_hh.start));
        } else {
            self.sum(place.d_input, gates, rows, layer.bias_ih.start, None);
            self.sum(place.d_hidden, gates, rows, layer.bias_hh.start, None);
        }
    }

    fn push(&mut self, job: GradientJob, groups: usize) {
        self.jobs.push(GradientJob { first_group: self.groups as u32, ..job });
        self.groups += groups;
    }

    /// dW [rows, columns] = dYᵀ X, in parts where there are many positions.
    fn product(&mut self, dy: u32, rows: usize, x: u32, columns: usize, positions: usize, to: usize) {
        let parts = parts_of(rows, columns, positions);
        let elements = rows * columns;
        let groups = parts * rows.div_ceil(TILE) * columns.div_ceil(TILE);
        let mut job = GradientJob {
            kind: PRODUCT,
            rows: rows as u32,
            columns: columns as u32,
            positions: positions as u32,
            parts: parts as u32,
            part_positions: positions.div_ceil(parts) as u32,
            dy,
            x,
            to: to as u32,
            to_gradients: 1,
            also_to: NOWHERE,
            ..GradientJob::default()
        };
        if parts > 1 {
            job.to = self.layout.parts + self.scratch as u32;
            job.to_gradients = 0;
            let first_group = self.sum_groups as u32;
            self.sums.push(PartsJob { first_group, elements: elements as u32, parts: parts as u32, source: job.to, to: to as u32 });
            self.sum_groups += elements.div_ceil(GROUP);
            self.scratch += parts * elements;
        }
        self.push(job, groups);
    }

    /// db [columns] = the sum of dY over positions.
    fn sum(&mut self, dy: u32, columns: usize, positions: usize, to: usize, also_to: Option<usize>) {
        let job = GradientJob {
            kind: SUM,
            columns: columns as u32,
            positions: positions as u32,
            dy,
            to: to as u32,
            to_gradients: 1,
            also_to: also_to.map_or(NOWHERE, |at| at as u32),
            ..GradientJob::default()
        };
        self.push(job, columns.div_ceil(SUM_COLUMNS));
    }

    /// Sums of dY over the positions of each symbol.
    fn symbols(&mut self, dy: u32, columns: usize, to: u32, to_gradients: bool, symbol_stride: usize, column_stride: usize) {
        let vocabulary = self.plan.spec.input.vocabulary().unwrap_or(0);
        let job = GradientJob {
            kind: SYMBOLS,
            rows: vocabulary as u32,
            columns: columns as u32,
            dy,
            to,
            to_gradients: u32::from(to_gradients),
            also_to: NOWHERE,
            symbol_stride: symbol_stride as u32,
            column_stride: column_stride as u32,
            ..GradientJob::default()
        };
        self.push(job, vocabulary * columns.div_ceil(SYMBOL_COLUMNS));
    }
}

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
        if index == 0 && layout.entry == Entry::OneHotTable {
            let job = PackJob { kind: TABLE, weights: input as u32, width: layer.input as u32, to: layout.table, ..base };
            push(PackJob { bias: layer.bias_ih.start as u32, ..job }, gates * layer.size * layer.input);
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
