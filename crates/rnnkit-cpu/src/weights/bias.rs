//! [`Bias`]: which biases of the flat buffer a map adds.

use std::ops::Range;

/// Which biases a map adds.
#[derive(Clone)]
pub enum Bias {
    /// One.
    One(Range<usize>),
    /// The sum of two: b_ih + b_hh, where a cell adds its pre-activations anyway.
    Sum(Range<usize>, Range<usize>),
    /// None: they are in the other map.
    Zero,
}

impl Bias {
    /// The part of one gate's H rows.
    pub fn of_gate(&self, gate: usize, size: usize) -> Self {
        let part = |range: &Range<usize>| range.start + gate * size..range.start + (gate + 1) * size;
        match self {
            Bias::One(one) => Bias::One(part(one)),
            Bias::Sum(a, b) => Bias::Sum(part(a), part(b)),
            Bias::Zero => Bias::Zero,
        }
    }

    /// Writes the bias to `out` [P].
    pub fn write(&self, parameters: &[f32], out: &mut [f32]) {
        match self {
            Bias::One(one) => out.copy_from_slice(&parameters[one.clone()]),
            Bias::Sum(a, b) => {
                for (out, (a, b)) in out.iter_mut().zip(parameters[a.clone()].iter().zip(&parameters[b.clone()])) {
                    *out = a + b;
                }
            }
            Bias::Zero => out.fill(0.0),
        }
    }
}
