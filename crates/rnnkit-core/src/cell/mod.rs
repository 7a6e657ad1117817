//! Recurrent cells: one unit's step forward and back, written once for scalars and SIMD vectors.
//!
//! A cell sees, for one unit of one lane, the pre-activations of its gates in two parts: `input` (x·W_ihᵀ + b_ih) and `hidden`
//! (h·W_hhᵀ + b_hh). Elman and LSTM use only their sum; the GRU needs them apart. Everything around the cell (products, loops over
//! time, lanes and units) belongs to a backend. The order of a cell's gates is [`CellKind::gate_names`], everywhere.

mod elman;
mod gru;
mod lstm;

use serde::{Deserialize, Serialize};

use crate::math::Real;

pub use elman::Elman;
pub use gru::Gru;
pub use lstm::Lstm;

/// The most gates that a cell has; arrays over gates have this length, and a cell uses the first [`Cell::GATES`].
pub const MAX_GATES: usize = 4;

/// What one unit's step gives, and what BPTT keeps of it.
#[derive(Clone, Copy)]
pub struct UnitStep<R> {
    /// The activated gates, in the cell's order.
    pub gates: [R; MAX_GATES],
    /// One more value that the way back needs ([`Cell::KEEPS`] says whether there is one).
    pub kept: R,
    /// The new hidden state h.
    pub h: R,
    /// The new cell state c; unused where [`Cell::HAS_CELL_STATE`] is false.
    pub c: R,
}

/// What the way back through one unit's step starts from.
#[derive(Clone, Copy)]
pub struct UnitKept<R> {
    /// As in [`UnitStep::gates`].
    pub gates: [R; MAX_GATES],
    /// As in [`UnitStep::kept`].
    pub kept: R,
    /// h of this step.
    pub h: R,
    /// h of the step before.
    pub h_previous: R,
    /// c of the step before.
    pub c_previous: R,
}

/// The gradients that one unit's step passes on.
#[derive(Clone, Copy)]
pub struct UnitGradients<R> {
    /// With respect to the `input` pre-activations.
    pub input: [R; MAX_GATES],
    /// With respect to the `hidden` pre-activations; equal to `input` unless [`Cell::SPLIT`].
    pub hidden: [R; MAX_GATES],
    /// With respect to h of the step before, apart from what flows through the hidden pre-activations.
    pub h: R,
    /// With respect to c of the step before.
    pub c: R,
}

/// The equations of a cell. Implementations are `#[inline(always)]` and free of branches on data.
pub trait Cell: Copy + Send + Sync + 'static {
    /// Number of gates G: blocks of H rows in the weights.
    const GATES: usize;
    /// Whether there is a cell state c beside h.
    const HAS_CELL_STATE: bool;
    /// Whether [`UnitStep::kept`] is used.
    const KEEPS: bool;
    /// Whether the gradients of input and hidden pre-activations differ.
    const SPLIT: bool;

    /// One unit, one time step.
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], h_previous: R, c_previous: R) -> UnitStep<R>;

    /// The way back: `dh` and `dc` are the loss's gradients with respect to this step's h and c.
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, dc: R) -> UnitGradients<R>;
}

/// The cells there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CellKind {
    /// Elman's cell with tanh.
    ElmanTanh,
    /// Elman's cell with max(x, 0).
    ElmanRelu,
    /// Elman's cell in the separate form, with tanh.
    ElmanTanhSeparate,
    /// Elman's cell in the separate form, with max(x, 0).
    ElmanReluSeparate,
    /// Gated recurrent unit.
    Gru,
    /// Long short-term memory.
    Lstm,
}

/// Runs `$body` with `$cell` bound to the cell that `$kind` names, so that the body is compiled once for each cell.
#[macro_export]
macro_rules! with_cell {
    ($kind:expr, $cell:ident => $body:expr) => {
        match $kind {
            $crate::cell::CellKind::ElmanTanh => {
                let $cell = $crate::cell::Elman::<false, false>;
                $body
            }
            $crate::cell::CellKind::ElmanRelu => {
                let $cell = $crate::cell::Elman::<true, false>;
                $body
            }
            $crate::cell::CellKind::ElmanTanhSeparate => {
                let $cell = $crate::cell::Elman::<false, true>;
                $body
            }
            $crate::cell::CellKind::ElmanReluSeparate => {
                let $cell = $crate::cell::Elman::<true, true>;
                $body
            }
            $crate::cell::CellKind::Gru => {
                let $cell = $crate::cell::Gru;
                $body
            }
            $crate::cell::CellKind::Lstm => {
                let $cell = $crate::cell::Lstm;
                $body
            }
        }
    };
}

impl CellKind {
    /// Number of gates G.
    pub fn gates(self) -> usize {
        self.gate_names().len()
    }

    /// THE gate order: the blocks of H rows in every weight, bias and gate buffer, as PyTorch has them.
    pub fn gate_names(self) -> &'static [&'static str] {
        match self {
            CellKind::ElmanTanh | CellKind::ElmanRelu => &["h"],
            CellKind::ElmanTanhSeparate | CellKind::ElmanReluSeparate => &["x"],
            CellKind::Gru => &["r", "z", "n"],
            CellKind::Lstm => &["i", "f", "g", "o"],
        }
    }

    /// The block of the forget gate, if the cell has one.
    pub fn forget_gate(self) -> Option<usize> {
        self.gate_names().iter().position(|&name| name == "f")
    }

    /// Whether the cell carries c beside h.
    pub fn has_cell_state(self) -> bool {
        fn of<C: Cell>(_: C) -> bool {
            C::HAS_CELL_STATE
        }
        with_cell!(self, cell => of(cell))
    }

    /// Whether its hidden product stays apart from its input's: [`Cell::SPLIT`].
    pub fn is_split(self) -> bool {
        fn of<C: Cell>(_: C) -> bool {
            C::SPLIT
        }
        with_cell!(self, cell => of(cell))
    }
}
