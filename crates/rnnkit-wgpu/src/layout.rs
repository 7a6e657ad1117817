//! Where everything of a model lies on the device for one shape of call: offsets in elements of 4 bytes, before anything is allocated.

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::cell::{Cell, CellKind};
use rnnkit_core::error::Error;
use rnnkit_core::grad_clip::CHUNK;
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use crate::arguments::{LayerPlace, NOWHERE};
use crate::forms::Forms;
use crate::slice::ALIGNMENT;

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

/// How the window's inputs become the first layer's pre-activations, or its input rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// One-hot: a row for each symbol, made after each update.
    OneHotTable,
    /// One-hot: columns of the weights picked for each position, where positions are fewer than symbols.
    OneHotPick,
    /// Embedding: the product of table and weights, a row for each symbol, made after each update.
    EmbeddingTable,
    /// Embedding: rows of the table fetched for each position.
    EmbeddingRows,
    /// Real numbers: rows fetched for each position.
    RealRows,
}

/// What one layer keeps, in the arena.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpace {
    /// [T, N, size].
    pub output: u32,
    /// Its gradient.
    pub d_output: u32,
    /// A recurrent layer's slot among the recurrent ones.
    pub slot: Option<usize>,
    /// A dropout's mask: first word and words.
    pub mask: (u32, u32),
}

/// The whole layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// How inputs enter.
    pub entry: Entry,
    /// Input rows [T, N, E] and their gradient, where there are rows.
    pub input: u32,
    /// See `input`.
    pub d_input: u32,
    /// Pre-activations a symbol, [V, G*H].
    pub table: u32,
    /// Sums of their gradients over equal symbols, [V, G*H].
    pub d_table: u32,
    /// One for each layer of the plan.
    pub layers: Vec<LayerSpace>,
    /// One for each recurrent layer, as kernels read them.
    pub places: Vec<LayerPlace>,
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
    /// In a window's plan: starts at 0, resets at N, then the positions sorted by symbol.
    pub sorted: usize,
    /// Where each symbol's positions begin.
    pub begins: usize,
    /// Words of a window's plan.
    pub slot: usize,
    /// Pieces of the gradients' norm.
    pub norm_parts: usize,
}

/// Hands out places one after the other.
#[derive(Default)]
struct Places {
    end: u64,
}

impl Places {
    fn take(&mut self, len: usize) -> u64 {
        let at = self.end;
        self.end = (at.saturating_add(len as u64)).next_multiple_of(ALIGNMENT as u64);
        at
    }

    fn take_if(&mut self, wanted: bool, len: usize) -> u64 {
        if wanted { self.take(len) } else { u64::from(NOWHERE) }
    }
}

/// Whether a cell keeps one more value, and whether its two parts have gradients of their own.
fn traits(cell: CellKind) -> (bool, bool) {
    fn of<C: Cell>(_: C) -> (bool, bool) {
        (C::KEEPS, C::SPLIT)
    }
    with_cell!(cell, cell => of(cell))
}

/// Numbers that one unit's gates take in the packed buffer: three are padded to four, as a vector is in a shader's array.
pub fn gate_stride(cell: CellKind) -> usize {
    if cell.gates() == 1 { 1 } else { 4 }
}

impl Layout {
    /// The layout of a model for a shape; an error where an offset leaves 32 bits.
    pub fn new(plan: &ModelPlan, shape: Shape, forms: &Forms) -> Result<Self> {
        let rows = shape.lanes.saturating_mul(shape.time);
        let mut arena = Places::default();
        let mut words = Places::default();
        let mut packed = Places::default();
        let training = shape.training;
        let vocabulary = plan.spec.input.vocabulary();
        words.take(if vocabulary.is_some() { rows } else { 0 });

        let entry = entry_of(plan, shape);
        let has_rows = matches!(entry, Entry::EmbeddingRows | Entry::RealRows);
        let width = plan.spec.input.width();
        let input = arena.take_if(has_rows, rows.saturating_mul(width));
        let d_input = arena.take_if(has_rows && training, rows.saturating_mul(width));
        let first_width = match plan.layers.first() {
            Some(Layer::Recurrent(layer)) => layer.cell.gates() * layer.size,
            _ => 0,
        };
        let table_len = vocabulary.unwrap_or(0).saturating_mul(first_width);
        let has_table = matches!(entry, Entry::OneHotTable | Entry::EmbeddingTable);
        let table = arena.take_if(has_table, table_len);
        let d_table = arena.take_if(entry == Entry::EmbeddingTable && training, table_len);

        let mut layers: Vec<LayerSpace> = Vec::new();
        let mut places: Vec<LayerPlace> = Vec::new();
        for (index, layer) in plan.layers.iter().enumerate() {
            let elements = rows.saturating_mul(layer.size());
            let d_output = narrow(arena.take_if(training, elements));
            let below = layers.last().map_or(narrow(input), |below| below.output);
            let space = match layer {
                Layer::Dense(_) => LayerSpace { output: narrow(arena.take(elements)), d_output, slot: None, mask: (0, 0) },
                Layer::Dropout(layer) => {
                    let count = elements.div_ceil(32);
                    let mask = (narrow(words.take(count)), narrow(count as u64));
                    let output = narrow(arena.take(elements));
                    let behind = layers.last().and_then(|below| below.slot);
                    if let Some(place) = behind.and_then(|slot| places.get_mut(slot)) {
                        place.dropped = output;
                        place.d_dropped = d_output;
                        place.mask = mask.0;
                        place.keep_factor = (1.0 / (1.0 - layer.rate)) as f32;
                    }
                    LayerSpace { output, d_output, slot: None, mask }
                }
                Layer::Recurrent(layer) => {
                    let joined = forms.joins(index);
                    let mut place = recurrent_place(layer, shape, joined, &mut arena, &mut packed);
                    place.d_output = d_output;
                    place.input = below;
                    if index == 0 {
                        place.table = narrow(table);
                    }
                    let output = narrow(u64::from(place.hidden) + (shape.lanes * layer.size) as u64);
                    places.push(place);
                    LayerSpace { output, d_output, slot: Some(places.len() - 1), mask: (0, 0) }
                }
            };
            layers.push(space);
        }

        let predicted = plan.predicted(shape.lanes, shape.time);
        let logits = arena.take(predicted.saturating_mul(plan.head.size));
        let kept_logits = arena.take_if(shape.taps, predicted.saturating_mul(plan.head.size));
        let losses = arena.take(predicted.saturating_mul(2));
        let parts_len = if training { parts_needed(plan, shape) } else { 0 };
        let parts = arena.take_if(training, parts_len);
        let sorted = 2 * shape.lanes;
        let by_symbol = training && vocabulary.is_some();
        let begins = sorted + if by_symbol { rows } else { 0 };
        let slot = begins + if by_symbol { vocabulary.unwrap_or(0) + 1 } else { 0 };
        let layout = Self {
            entry,
            input: narrow(input),
            d_input: narrow(d_input),
            table: narrow(table),
            d_table: narrow(d_table),
            layers,
            places,
            logits: narrow(logits),
            kept_logits: narrow(kept_logits),
            losses: narrow(losses),
            parts: narrow(parts),
            parts_len,
            arena: arena.end as usize,
            words: words.end as usize,
            packed: packed.end as usize,
            sorted,
            begins,
            slot,
            norm_parts: plan.params.len().div_ceil(CHUNK),
        };
        let longest = [arena.end, words.end, packed.end, (slot as u64).saturating_mul(SLOTS as u64)].into_iter().max().unwrap_or(0);
        if longest >= u64::from(NOWHERE) {
            return Err(Error::Memory { needed: longest.saturating_mul(4), available: u64::from(NOWHERE) * 4 });
        }
        Ok(layout)
    }

    /// Bytes of all buffers, the gradients' norm and the status included.
    pub fn bytes(&self) -> u64 {
        let words = [self.arena, self.words, self.packed, self.slot.saturating_mul(SLOTS), self.norm_parts * 4];
        words.iter().fold(0, |sum: u64, &len| sum.saturating_add(4 * len as u64))
    }
}

/// An offset as kernels take it. What does not fit is refused at the end of [`Layout::new`].
fn narrow(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(NOWHERE)
}

/// Tables pay where a window has more positions than there are symbols; taps show the rows themselves.
fn entry_of(plan: &ModelPlan, shape: Shape) -> Entry {
    let Some(vocabulary) = plan.spec.input.vocabulary() else { return Entry::RealRows };
    let recurrent = matches!(plan.layers.first(), Some(Layer::Recurrent(_)));
    let table = recurrent && !shape.taps && vocabulary <= shape.lanes.saturating_mul(shape.time);
    match (plan.embedding.is_some(), table) {
        (false, true) => Entry::OneHotTable,
        (false, false) => Entry::OneHotPick,
        (true, true) => Entry::EmbeddingTable,
        (true, false) => Entry::EmbeddingRows,
    }
}

fn recurrent_place(layer: &Recurrent, shape: Shape, joined: bool, arena: &mut Places, packed: &mut Places) -> LayerPlace {
    let rows = shape.lanes.saturating_mul(shape.time);
    let (keeps, split) = traits(layer.cell);
    let (h, gates) = (layer.size, layer.cell.gates() * layer.size);
    let has_cell = layer.cell.has_cell_state();
    let (elements, wide) = (rows.saturating_mul(h), rows.saturating_mul(gates));
    let states = elements.saturating_add(shape.lanes * h);
    let stride = gate_stride(layer.cell);
    // The packed buffer is an array of a unit's gates for the kernels: their offsets count those.
    let mut matrix = |wanted: bool, width: usize| {
        let at = packed.take_if(wanted, width.saturating_mul(h).saturating_mul(stride));
        if wanted { narrow(at / stride as u64) } else { NOWHERE }
    };
    let gates_at = narrow(arena.take(wide));
    let d_input = if !shape.training {
        NOWHERE
    } else if shape.taps {
        narrow(arena.take(wide))
    } else {
        // A time step's gates are read for the last time by the thread that writes their gradients.
        gates_at
    };
    LayerPlace {
        size: h as u32,
        weights: matrix(true, h),
        weights_back: matrix(shape.training, h),
        input_weights: matrix(joined, layer.input),
        input_weights_back: matrix(joined && shape.training, layer.input),
        bias_input: layer.bias_ih.start as u32,
        bias_hidden: layer.bias_hh.start as u32,
        input: NOWHERE,
        input_size: layer.input as u32,
        table: NOWHERE,
        hidden: narrow(arena.take(states)),
        cell_state: narrow(arena.take_if(has_cell, states)),
        kept: narrow(arena.take_if(keeps, elements)),
        gates: gates_at,
        d_input,
        d_hidden: if split { narrow(arena.take_if(shape.training, wide)) } else { d_input },
        d_output: NOWHERE,
        d_carry_hidden: narrow(arena.take_if(shape.training, shape.lanes * h)),
        d_carry_cell: narrow(arena.take_if(shape.training && has_cell, shape.lanes * h)),
        dropped: NOWHERE,
        d_dropped: NOWHERE,
        mask: NOWHERE,
        keep_factor: 1.0,
    }
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
            let gates = layer.cell.gates() * layer.size;
            product(gates, layer.size) + if layer.one_hot { 0 } else { product(gates, layer.input) }
        }
        Layer::Dense(layer) if !layer.one_hot => product(layer.size, layer.input),
        _ => 0,
    };
    let head = if plan.head.weights.is_some() { product(plan.head.size, plan.head.input) } else { 0 };
    plan.layers.iter().map(of).sum::<usize>() + head
}
