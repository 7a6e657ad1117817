//! Elman's cell (J. L. Elman, "Finding structure in time", 1990), with both biases as PyTorch's `nn.RNN` has them.
//!
//! h_t = act(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), with act = tanh or ReLU. With ReLU and W_hh started at the identity it is
//! the IRNN of Le, Jaitly and Hinton (2015).
//!
//! The separate form is the cell of tutorials that build it by hand from two dense layers, each with its activation, and add them:
//! h_t = act(W_ih x_t + b_ih) + act(W_hh h_{t-1} + b_hh).

use super::{Cell, MAX_GATES, UnitGradients, UnitKept, UnitStep};
use crate::math::Real;

/// Elman's cell, with ReLU or else with tanh; one gate: h itself, or in the separate form the input's part, with the hidden part `kept`.
#[derive(Clone, Copy)]
pub struct Elman<const RELU: bool, const SEPARATE: bool>;

impl<const RELU: bool, const SEPARATE: bool> Elman<RELU, SEPARATE> {
    #[inline(always)]
    fn activate<R: Real>(s: R) -> R {
        if RELU { s.relu() } else { s.tanh() }
    }

    /// From the gradient of y = act(s) to that of s.
    #[inline(always)]
    fn back<R: Real>(y: R, dy: R) -> R {
        if RELU { y.where_positive(dy) } else { dy * (R::splat(1.0) - y * y) }
    }
}

impl<const RELU: bool, const SEPARATE: bool> Cell for Elman<RELU, SEPARATE> {
    const GATES: usize = 1;
    const HAS_CELL_STATE: bool = false;
    const KEEPS: bool = SEPARATE;
    const SPLIT: bool = SEPARATE;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], _: R, _: R) -> UnitStep<R> {
        let zero = R::splat(0.0);
        if SEPARATE {
            let (from_input, from_hidden) = (Self::activate(input[0]), Self::activate(hidden[0]));
            return UnitStep { gates: [from_input, zero, zero, zero], kept: from_hidden, h: from_input + from_hidden, c: zero };
        }
        let h = Self::activate(input[0] + hidden[0]);
        UnitStep { gates: [h, zero, zero, zero], kept: zero, h, c: zero }
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, _: R) -> UnitGradients<R> {
        let zero = R::splat(0.0);
        let of = |d| [d, zero, zero, zero];
        if SEPARATE {
            let (input, hidden) = (Self::back(kept.gates[0], dh), Self::back(kept.kept, dh));
            return UnitGradients { input: of(input), hidden: of(hidden), h: zero, c: zero };
        }
        let pre = of(Self::back(kept.h, dh));
        UnitGradients { input: pre, hidden: pre, h: zero, c: zero }
    }
}
