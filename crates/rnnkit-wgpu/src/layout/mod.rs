//! Where everything of a model lies on the device for one shape of call: offsets in elements of 4 bytes, before anything is allocated.

mod entry;
mod places;
mod recurrent;

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::error::Error;
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::plan::{Layer, ModelPlan};

use self::places::Places;
use self::recurrent::recurrent_place;
use crate::arguments::{LayerPlace, NOWHERE};
use crate::forms::Forms;

pub use entry::Entry;
pub use recurrent::{HiddenDropout, gate_stride};

/// Plans of so many windows lie on the device at a time.
pub const SLOTS: usize = 32;
/// Lanes of a workgroup of the step form's kernels.
pub const LANES: usize = 16;
/// Rows and columns of a product's tile, which one workgroup makes.
pub const TILE: usize = 64;
/// The fewest positions that a part of a weight gradient's sum has.
const PART_POSITIONS: usize = 256;
/// Workgroups that keep a large device busy; a product that has them by its tiles alone is not cut into parts.
const BUSY: usize = 256;

/// What one layer keeps, in the arena.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpace {
    /// [T, N, size].
    pub output: u32,
    /// Its gradient.
    pub d_output: u32,
    /// Batch normalisation: the mean and the variance it normalises by, `[size]` each.
    pub statistics: u32,
}

/// Where the words of a window's plan lie, from its first on; the starts of the lanes are at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanLayout {
    /// Whether each lane resets, `[N]`.
    pub resets: usize,
    /// Length of each lane's sequence, `[N]`.
    pub lengths: usize,
    /// The positions sorted by symbol.
    pub sorted: usize,
    /// Where each symbol's positions begin; at the end, as `sorted`, where nobody asks.
    pub begins: usize,
    /// All words.
    pub len: usize,
}

/// The whole layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// How inputs enter.
    pub entry: Entry,
    /// Input rows [T, N, E], where there are rows.
    pub input: u32,
    /// Their gradient, where someone looks at it.
    pub d_input: u32,
    /// Pre-activations a symbol, [V + 1, G*H]; the last row is no symbol's.
    pub table: u32,
    /// Sums of their gradients over equal symbols, [V, G*H].
    pub d_table: u32,
    /// What each layer reads, and last what the head reads; `None`: the input.
    sources: Vec<Option<usize>>,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace>,
    /// One for each recurrent layer by its slot, as kernels read them.
    pub places: Vec<LayerPlace>,
    /// Likewise, of layers whose hidden state is dropped.
    pub hidden_dropout: Vec<Option<HiddenDropout>>,
    /// First word of each site's mask.
    pub masks: Vec<u32>,
    /// Each lane's last row of what the head reads, [N, input], where lanes end apart.
    pub last_rows: u32,
    /// Their gradient.
    pub d_last_rows: u32,
    /// Logits, then their gradients, [rows, size].
    pub logits: u32,
    /// A copy of the logits for taps.
    pub kept_logits: u32,
    /// [rows, 2].
    pub losses: u32,
    /// Products summed in parts.
    pub parts: u32,
    /// Elements of `parts`.
    pub parts_len: usize,
    /// Elements of the arena.
    pub arena: usize,
    /// Words: the window's symbols [T, N], then the masks.
    pub words: usize,
    /// Numbers of the packed buffer (each 4 bytes, or 2 in f16).
    pub packed: usize,
    /// A window's plan.
    pub window: PlanLayout,
    /// Pieces of the gradients' norm.
    pub norm_parts: usize,
}

impl Layout {
    /// The layout of a model for a shape; an error where an offset leaves 32 bits.
    pub fn new(plan: &ModelPlan, shape: Shape, forms: &Forms) -> Result<Self> {
        let mut buffers = Buffers::default();
        let rows = shape.lanes.saturating_mul(shape.time);
        let by_symbol = plan.spec.input.vocabulary().is_some();
        buffers.words.take(if by_symbol { rows } else { 0 });
        let mut layout = Self::with_entry(plan, shape, &mut buffers.arena);
        layout.masks = plan.sites.iter().map(|site| buffers.words.take(site.elements(shape.lanes, shape.time).div_ceil(32))).collect();
        for index in 0..plan.layers.len() {
            layout.add_layer(plan, shape, forms, index, &mut buffers);
        }
        layout.add_head(plan, shape, &mut buffers.arena);
        let parts_len = if shape.training { parts_needed(plan, shape) } else { 0 };
        layout.parts_len = parts_len;
        layout.parts = buffers.arena.take_if(shape.training, parts_len);
        let ends = [buffers.arena.end(), buffers.words.end(), buffers.packed.end()];
        [layout.arena, layout.words, layout.packed] = ends.map(|end| end as usize);
        let windows = (layout.window.len as u64).saturating_mul(SLOTS as u64);
        let longest = ends.into_iter().fold(windows, u64::max);
        if longest >= u64::from(NOWHERE) {
            return Err(Error::Memory { needed: longest.saturating_mul(4), available: u64::from(NOWHERE) * 4 });
        }
        Ok(layout)
    }

    /// With what belongs to the input, and nothing else yet.
    fn with_entry(plan: &ModelPlan, shape: Shape, arena: &mut Places) -> Self {
        let entry = Entry::of(plan, shape);
        let rows = shape.lanes.saturating_mul(shape.time).saturating_mul(plan.input_width());
        let vocabulary = plan.spec.input.vocabulary().unwrap_or(0);
        let first_width = match plan.layers.first() {
            Some(Layer::Recurrent(layer)) => layer.cell.gates() * layer.size,
            _ => 0,
        };
        let looked_at = entry == Entry::EmbeddingRows || shape.taps;
        Self {
            entry,
            input: arena.take_if(entry.has_rows(), rows),
            d_input: arena.take_if(entry.has_rows() && shape.training && looked_at, rows),
            table: arena.take_if(entry.has_table(), first_width.saturating_mul(vocabulary + 1)),
            d_table: arena.take_if(entry == Entry::EmbeddingTable && shape.training, first_width.saturating_mul(vocabulary)),
            sources: plan.sources.iter().copied().chain([plan.layers.len().checked_sub(1)]).collect(),
            layers: Vec::new(),
            places: vec![LayerPlace::default(); plan.carry.slots()],
            hidden_dropout: vec![None; plan.carry.slots()],
            masks: Vec::new(),
            last_rows: NOWHERE,
            d_last_rows: NOWHERE,
            logits: NOWHERE,
            kept_logits: NOWHERE,
            losses: NOWHERE,
            parts: NOWHERE,
            parts_len: 0,
            arena: 0,
            words: 0,
            packed: 0,
            window: window_layout(shape, (shape.training && entry.sums_by_symbol()).then_some(vocabulary)),
            norm_parts: plan.params.trainable().div_ceil(CHUNK),
        }
    }

    /// What the layer of that number keeps; those before it are there.
    fn add_layer(&mut self, plan: &ModelPlan, shape: Shape, forms: &Forms, index: usize, buffers: &mut Buffers) {
        let elements = shape.lanes.saturating_mul(shape.time).saturating_mul(plan.layers[index].size());
        let mut space = LayerSpace { output: NOWHERE, d_output: buffers.arena.take_if(shape.training, elements), statistics: NOWHERE };
        if let Layer::Recurrent(layer) = &plan.layers[index] {
            let mut place = recurrent_place(layer, shape, forms.joins(index), &mut buffers.arena, &mut buffers.packed);
            place.d_output = space.d_output;
            place.input = self.input_of(index);
            place.table = if index == 0 { self.table } else { NOWHERE };
            space.output = place.hidden.saturating_add((shape.lanes * layer.size) as u32);
            self.places[layer.slot] = place;
            self.hidden_dropout[layer.slot] = HiddenDropout::new(plan, layer, shape, &mut buffers.arena);
        } else {
            space.output = buffers.arena.take(elements);
        }
        match (&plan.layers[index], index.checked_sub(1).map(|below| &plan.layers[below])) {
            (Layer::BatchNorm(layer), _) => space.statistics = buffers.arena.take(2 * layer.size),
            (Layer::Dropout(layer), Some(Layer::Recurrent(below))) if forms.fuses(index) => {
                let place = &mut self.places[below.slot];
                place.dropped = space.output;
                place.d_dropped = space.d_output;
                place.mask = self.masks[layer.site];
                place.keep_factor = plan.sites[layer.site].scale() as f32;
            }
            _ => {}
        }
        self.layers.push(space);
    }

    /// Logits, losses, and what the head reads where lanes end apart.
    fn add_head(&mut self, plan: &ModelPlan, shape: Shape, arena: &mut Places) {
        let elements = plan.predicted(shape.lanes, shape.time).saturating_mul(plan.head.size);
        self.last_rows = arena.take(shape.lanes.saturating_mul(plan.head.input));
        self.d_last_rows = arena.take_if(shape.training, shape.lanes.saturating_mul(plan.head.input));
        self.logits = arena.take(elements);
        self.kept_logits = arena.take_if(shape.taps, elements);
        self.losses = arena.take(plan.predicted(shape.lanes, shape.time).saturating_mul(2));
    }

    /// The rows [T, N, ·] that a layer of the plan reads, or the head, as the number after the last.
    pub fn input_of(&self, layer: usize) -> u32 {
        self.sources[layer].map_or(self.input, |source| self.layers[source].output)
    }

    /// Where the gradient of those goes; nowhere if nobody looks at it.
    pub fn d_input_of(&self, layer: usize) -> Option<u32> {
        let at = self.sources[layer].map_or(self.d_input, |source| self.layers[source].d_output);
        (at != NOWHERE).then_some(at)
    }

    /// Bytes of all buffers, the gradients' norm and the status included.
    pub fn bytes(&self) -> u64 {
        let words = [self.arena, self.words, self.packed, self.window.len.saturating_mul(SLOTS), self.norm_parts * 4];
        words.iter().fold(0, |sum: u64, &len| sum.saturating_add(4 * len as u64))
    }
}

/// The buffers whose places a layout hands out.
#[derive(Default)]
struct Buffers {
    arena: Places,
    words: Places,
    packed: Places,
}

/// `by_symbol`: the vocabulary, if positions are sorted by it.
fn window_layout(shape: Shape, by_symbol: Option<usize>) -> PlanLayout {
    let rows = shape.lanes.saturating_mul(shape.time);
    let sorted = shape.lanes.saturating_mul(3);
    let begins = sorted.saturating_add(if by_symbol.is_some() { rows } else { 0 });
    let len = begins.saturating_add(by_symbol.map_or(0, |vocabulary| vocabulary + 1));
    PlanLayout { resets: shape.lanes, lengths: 2 * shape.lanes, sorted, begins, len }
}

/// In how many parts the sum over so many positions of a weight gradient [rows, columns] is made; by shape alone, so that the order of
/// the sum is the same on every device.
pub fn parts_of(rows: usize, columns: usize, positions: usize) -> usize {
    let tiles = rows.div_ceil(TILE).saturating_mul(columns.div_ceil(TILE)).max(1);
    positions.div_ceil(PART_POSITIONS).min(BUSY / tiles).max(1)
}

/// Elements of all products that are summed in parts.
fn parts_needed(plan: &ModelPlan, shape: Shape) -> usize {
    let positions = shape.lanes.saturating_mul(shape.time);
    let product = |rows: usize, columns: usize| match parts_of(rows, columns, positions) {
        1 => 0,
        parts => parts * rows * columns,
    };
    let of = |layer: &Layer| match layer {
        Layer::Recurrent(layer) => {
            // With a copy for each gate, a product for each gate.
            let gates_product = |copies: usize, width| copies * product(layer.cell.gates() / copies * layer.size, width);
            let hidden = layer.hidden_dropout.map_or(1, |site| plan.sites[site].copies);
            gates_product(hidden, layer.size) + if layer.one_hot { 0 } else { gates_product(layer.copies, layer.input) }
        }
        Layer::Dense(layer) if !layer.one_hot => product(layer.size, layer.input),
        _ => 0,
    };
    let head = if plan.head.weights.is_some() { product(plan.head.size, plan.head.input) } else { 0 };
    plan.layers.iter().map(of).sum::<usize>() + head
}
