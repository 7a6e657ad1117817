//! Elman's cell (J. L. Elman, "Finding structure in time", 1990), with both biases as PyTorch's `nn.RNN` has them.
//!
//! h_t = act(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), with act = tanh or ReLU. With ReLU and W_hh started at the identity it is
//! the IRNN of Le, Jaitly and Hinton (2015).

use super::{Cell, MAX_GATES, UnitGradients, UnitKept, UnitStep};
use crate::math::Real;

/// Elman's cell with tanh.
#[derive(Clone, Copy)]
pub struct ElmanTanh;

/// Elman's cell with ReLU.
#[derive(Clone, Copy)]
pub struct ElmanRelu;

#[inline(always)]
fn step<R: Real>(h: R) -> UnitStep<R> {
    let zero = R::splat(0.0);
    UnitStep { gates: [h, zero, zero, zero], kept: zero, h, c: zero }
}

#[inline(always)]
fn gradients<R: Real>(pre: R) -> UnitGradients<R> {
    let zero = R::splat(0.0);
    let all = [pre, zero, zero, zero];
    UnitGradients { input: all, hidden: all, h: zero, c: zero }
}

impl Cell for ElmanTanh {
    const GATES: usize = 1;
    const HAS_CELL_STATE: bool = false;
    const KEEPS: bool = false;
    const SPLIT: bool = false;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], _: R, _: R) -> UnitStep<R> {
        step((input[0] + hidden[0]).tanh())
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, _: R) -> UnitGradients<R> {
        gradients(dh * (R::splat(1.0) - kept.h * kept.h))
    }
}

impl Cell for ElmanRelu {
    const GATES: usize = 1;
    const HAS_CELL_STATE: bool = false;
    const KEEPS: bool = false;
    const SPLIT: bool = false;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], _: R, _: R) -> UnitStep<R> {
        step((input[0] + hidden[0]).relu())
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, _: R) -> UnitGradients<R> {
        gradients(kept.h.where_positive(dh))
    }
}
