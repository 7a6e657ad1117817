//! Where a recurrent layer's values lie.

use rnnkit_core::backend::Shape;
use rnnkit_core::cell::{Cell, CellKind};
use rnnkit_core::plan::{ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use super::places::Places;
use crate::arguments::{LayerPlace, NOWHERE};

/// Where the values of a layer lie whose hidden state is dropped on its way into the product with `weight_hh`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HiddenDropout {
    /// What enters the product at each time step: `copies` of h, each times its mask, [T, N, copies, H].
    pub entering: u32,
    /// Gradient of those of one time step, [N, copies, H].
    pub d_entering: u32,
    /// The hidden pre-activations of one time step, [N, G*H].
    pub pre_hidden: u32,
}

impl HiddenDropout {
    /// In the arena; nothing for a layer without dropout of h.
    pub fn new(plan: &ModelPlan, layer: &Recurrent, shape: Shape, arena: &mut Places) -> Option<Self> {
        let wide = plan.sites[layer.hidden_dropout?].copies.saturating_mul(layer.size).saturating_mul(shape.lanes);
        Some(Self {
            entering: arena.take(wide.saturating_mul(shape.time)),
            d_entering: arena.take_if(shape.training, wide),
            pre_hidden: arena.take((layer.cell.gates() * layer.size).saturating_mul(shape.lanes)),
        })
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

/// Places of a layer, those of what it reads and of what reads it left out; `joined`: it multiplies the rows of the layer below itself.
pub fn recurrent_place(layer: &Recurrent, shape: Shape, joined: bool, arena: &mut Places, packed: &mut Places) -> LayerPlace {
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
        if wanted { at / stride as u32 } else { NOWHERE }
    };
    // Without dropout of h; with it the products are made of the parameters themselves.
    let packs = layer.hidden_dropout.is_none();
    let gates_at = arena.take(wide);
    let d_input = match (shape.training, shape.taps) {
        (false, _) => NOWHERE,
        (true, true) => arena.take(wide),
        // A time step's gates are read for the last time by the thread that writes their gradients.
        (true, false) => gates_at,
    };
    LayerPlace {
        size: h as u32,
        weights: matrix(packs, h),
        weights_back: matrix(packs && shape.training, h),
        input_weights: matrix(joined, layer.input),
        input_weights_back: matrix(joined && shape.training, layer.input),
        bias_input: layer.bias_ih.start as u32,
        bias_hidden: layer.bias_hh.start as u32,
        input: NOWHERE,
        input_size: layer.input as u32,
        table: NOWHERE,
        hidden: arena.take(states),
        cell_state: arena.take_if(has_cell, states),
        kept: arena.take_if(keeps, elements),
        gates: gates_at,
        d_input,
        d_hidden: if split { arena.take_if(shape.training, wide) } else { d_input },
        d_output: NOWHERE,
        d_state: arena.take_if(shape.training && shape.taps, elements),
        d_carry_hidden: arena.take_if(shape.training, shape.lanes * h),
        d_carry_cell: arena.take_if(shape.training && has_cell, shape.lanes * h),
        dropped: NOWHERE,
        d_dropped: NOWHERE,
        mask: NOWHERE,
        keep_factor: 1.0,
    }
}
