//! Gated recurrent unit (Cho et al., 2014), in the form that applies the reset gate after the hidden product
//! (arXiv 1406.1078v1; PyTorch's `nn.GRU`, Keras's `reset_after=True`).
//!
//! With a = W_ih x_t + b_ih and b = W_hh h_{t-1} + b_hh, cut into the gates r, z, n:
//!
//! r = σ(a_r + b_r) · z = σ(a_z + b_z) · n = tanh(a_n + r ⊙ b_n) · h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}
//!
//! `b_n`, bias included, stays inside the product with r: that is why input and hidden parts are kept apart.

use super::{Cell, MAX_GATES, UnitGradients, UnitKept, UnitStep};
use crate::math::Real;

/// The gated recurrent unit; gates r, z, n; `kept` is b_n.
#[derive(Clone, Copy)]
pub struct Gru;

impl Cell for Gru {
    const GATES: usize = 3;
    const HAS_CELL_STATE: bool = false;
    const KEEPS: bool = true;
    const SPLIT: bool = true;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], h_previous: R, _: R) -> UnitStep<R> {
        let r = (input[0] + hidden[0]).sigmoid();
        let z = (input[1] + hidden[1]).sigmoid();
        let n = r.mul_add(hidden[2], input[2]).tanh();
        let h = z.mul_add(h_previous - n, n);
        UnitStep { gates: [r, z, n, R::splat(0.0)], kept: hidden[2], h, c: R::splat(0.0) }
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, _: R) -> UnitGradients<R> {
        let one = R::splat(1.0);
        let zero = R::splat(0.0);
        let [r, z, n, _] = kept.gates;
        let dz = dh * (kept.h_previous - n) * z * (one - z);
        let da_n = dh * (one - z) * (one - n * n);
        let dr = da_n * kept.kept * r * (one - r);
        UnitGradients { input: [dr, dz, da_n, zero], hidden: [dr, dz, da_n * r, zero], h: dh * z, c: zero }
    }
}
