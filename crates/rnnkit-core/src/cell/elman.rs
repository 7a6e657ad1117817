//! Elman's cell (J. L. Elman, "Finding structure in time", 1990), with both biases as PyTorch's `nn.RNN` has them.
//!
//! h_t = act(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), with act = tanh or ReLU. With ReLU and W_hh started at the identity it is
//! the IRNN of Le, Jaitly and Hinton (2015).

use super::{Cell, MAX_GATES, UnitGradients, UnitKept, UnitStep};
use crate::math::Real;

/// Elman's cell, with ReLU or else with tanh; one gate, h itself.
#[derive(Clone, Copy)]
pub struct Elman<const RELU: bool>;

impl<const RELU: bool> Cell for Elman<RELU> {
    const GATES: usize = 1;
    const HAS_CELL_STATE: bool = false;
    const KEEPS: bool = false;
    const SPLIT: bool = false;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], _: R, _: R) -> UnitStep<R> {
        let zero = R::splat(0.0);
        let s = input[0] + hidden[0];
        let h = if RELU { s.relu() } else { s.tanh() };
        UnitStep { gates: [h, zero, zero, zero], kept: zero, h, c: zero }
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, _: R) -> UnitGradients<R> {
        let zero = R::splat(0.0);
        let d = if RELU { kept.h.where_positive(dh) } else { dh * (R::splat(1.0) - kept.h * kept.h) };
        let pre = [d, zero, zero, zero];
        UnitGradients { input: pre, hidden: pre, h: zero, c: zero }
    }
}
