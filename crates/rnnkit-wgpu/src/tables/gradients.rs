//! The sums that weight gradients are made of, as jobs.

use std::ops::Range;

use rnnkit_core::backend::{Part, weighted_parts};
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::spec::Predict;

use super::GROUP;
use crate::arguments::{GradientJob, NOWHERE, PartsJob};
use crate::layout::{Entry, Layout, TILE, parts_of};
use crate::work::product_of;

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

    /// The tables for windows of `time` steps; `uneven`: lanes may end before.
    pub fn new(plan: &ModelPlan, layout: &Layout, lanes: usize, (time, uneven): (usize, bool)) -> Self {
        let mut builder =
            Builder { plan, layout, lanes, time, uneven, jobs: Vec::new(), sums: Vec::new(), groups: 0, sum_groups: 0, scratch: 0 };
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
        debug_assert!(builder.scratch <= layout.parts_len, "room for every product that is summed in parts");
        Self { jobs: builder.jobs, sums: builder.sums, parts }
    }
}

/// Kinds of jobs, as weight_gradients.wgsl numbers them.
const PRODUCT: u32 = 0;
const SUM: u32 = 1;
const SYMBOLS: u32 = 2;

/// Rows [positions, width] in the arena.
#[derive(Clone, Copy)]
struct Rows {
    at: u32,
    width: usize,
    /// From one to the next.
    stride: usize,
}

impl Rows {
    /// One directly behind the other.
    fn of(at: u32, width: usize) -> Self {
        Self { at, width, stride: width }
    }
}

struct Builder<'a> {
    plan: &'a ModelPlan,
    layout: &'a Layout,
    lanes: usize,
    time: usize,
    uneven: bool,
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

    fn part(&mut self, part: Part) {
        match part {
            Part::Head => self.head(),
            Part::Embedding if self.layout.entry == Entry::EmbeddingRows => {
                let (table, width) = (self.plan.embedding.clone().unwrap_or_default(), self.plan.input_width());
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
                        let x = self.layout.input_of(index);
                        self.product(Rows::of(dy, layer.size), Rows::of(x, layer.input), self.rows(), layer.weight.start);
                    }
                    self.sum(dy, layer.size, self.rows(), layer.bias.start, None);
                }
                // Its gradients are those that the way back sums anyway.
                Layer::BatchNorm(_) => {}
                Layer::Dropout(_) | Layer::Turn(_) | Layer::Join(_) => {}
            },
        }
    }

    fn head(&mut self) {
        let head = &self.plan.head;
        let Some((weight, bias)) = &head.weights else { return };
        let x = self.layout.input_of(self.plan.layers.len());
        let (x, rows) = match head.predict {
            Predict::EveryStep => (x, self.rows()),
            Predict::LastStep if self.uneven => (self.layout.last_rows, self.lanes),
            Predict::LastStep => (x + ((self.time - 1) * self.lanes * head.input) as u32, self.lanes),
        };
        self.product(Rows::of(self.layout.logits, head.size), Rows::of(x, head.input), rows, weight.start);
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
            let x = self.layout.input_of(index);
            self.gates_product(layer, place.d_input, (x, layer.input, layer.copies), layer.weight_ih.start);
        }
        // The states begin with those the window starts from: row t is what time step t multiplies.
        let entering = self.layout.hidden_dropout[layer.slot].map_or(place.hidden, |dropout| dropout.entering);
        let copies = layer.hidden_dropout.map_or(1, |site| self.plan.sites[site].copies);
        self.gates_product(layer, place.d_hidden, (entering, layer.size, copies), layer.weight_hh.start);
        if place.d_hidden == place.d_input {
            self.sum(place.d_input, gates, rows, layer.bias_ih.start, Some(layer.bias_hh.start));
        } else {
            self.sum(place.d_input, gates, rows, layer.bias_ih.start, None);
            self.sum(place.d_hidden, gates, rows, layer.bias_hh.start, None);
        }
    }

    /// dW [G*H, width] = dYᵀ X, where a row of X holds `copies` of what enters: one for all gates, or one for each.
    fn gates_product(&mut self, layer: &Recurrent, dy: u32, (x, width, copies): (u32, usize, usize), to: usize) {
        let rows = layer.cell.gates() * layer.size;
        let each = rows / copies;
        for copy in 0..copies {
            let dy = Rows { at: dy + (copy * each) as u32, width: each, stride: rows };
            let x = Rows { at: x + (copy * width) as u32, width, stride: copies * width };
            self.product(dy, x, self.rows(), to + copy * each * width);
        }
    }

    fn push(&mut self, job: GradientJob, groups: usize) {
        self.jobs.push(GradientJob { first_group: self.groups as u32, ..job });
        self.groups += groups;
    }

    /// dW [rows, columns] = dYᵀ X, in parts where there are many positions.
    fn product(&mut self, dy: Rows, x: Rows, positions: usize, to: usize) {
        let (rows, columns) = (dy.width, x.width);
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
            dy: dy.at,
            dy_stride: dy.stride as u32,
            x: x.at,
            x_stride: x.stride as u32,
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
            dy_stride: columns as u32,
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
            dy_stride: columns as u32,
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
