//! Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000), as PyTorch's `nn.LSTM`:
//! no peepholes, no offset on the forget gate.
//!
//! With s = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, cut into the gates i, f, g, o:
//!
//! i = σ(s_i) · f = σ(s_f) · g = tanh(s_g) · o = σ(s_o) · c_t = f ⊙ c_{t-1} + i ⊙ g · h_t = o ⊙ tanh(c_t)

use super::{Cell, MAX_GATES, UnitGradients, UnitKept, UnitStep};
use crate::math::Real;

/// Long short-term memory; gates i, f, g, o; `kept` is tanh(c_t).
#[derive(Clone, Copy)]
pub struct Lstm;

impl Cell for Lstm {
    const GATES: usize = 4;
    const HAS_CELL_STATE: bool = true;
    const KEEPS: bool = true;
    const SPLIT: bool = false;

    #[inline(always)]
    fn forward<R: Real>(self, input: [R; MAX_GATES], hidden: [R; MAX_GATES], _: R, c_previous: R) -> UnitStep<R> {
        let i = (input[0] + hidden[0]).sigmoid();
        let f = (input[1] + hidden[1]).sigmoid();
        let g = (input[2] + hidden[2]).tanh();
        let o = (input[3] + hidden[3]).sigmoid();
        let c = f.mul_add(c_previous, i * g);
        let tanh_c = c.tanh();
        UnitStep { gates: [i, f, g, o], kept: tanh_c, h: o * tanh_c, c }
    }

    #[inline(always)]
    fn backward<R: Real>(self, kept: UnitKept<R>, dh: R, dc: R) -> UnitGradients<R> {
        let one = R::splat(1.0);
        let [i, f, g, o] = kept.gates;
        let tanh_c = kept.kept;
        let dc = (dh * o).mul_add(one - tanh_c * tanh_c, dc);
        let pre = [dc * g * i * (one - i), dc * kept.c_previous * f * (one - f), dc * i * (one - g * g), dh * tanh_c * o * (one - o)];
        UnitGradients { input: pre, hidden: pre, h: R::splat(0.0), c: dc * f }
    }
}
