//! THE table of tolerances, each with its reason, and the comparison that uses them.

/// How far a number may lie from the one expected: |got - want| <= rtol·|want| + atol·max|want|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Share of the expected number.
    pub rtol: f64,
    /// Share of the largest finite number expected in the tensor.
    pub atol: f64,
    /// Why no less will do.
    pub reason: &'static str,
}

/// Same code, same order of operations: any difference is a defect.
pub const BITS: Tolerance = Tolerance { rtol: 0.0, atol: 0.0, reason: "the same operations in the same order" };

/// Backpropagation in f64 against central differences.
pub const CENTRAL_DIFFERENCES: Tolerance = Tolerance {
    rtol: 1e-6,
    atol: 1e-6,
    reason: "with a step of 1e-5 the truncation is about 1e-10 and the rounding 1e-16/1e-5; small entries carry the error of the loss, so the largest entry counts",
};

/// An f32 backend against the f64 oracle.
pub const F32_AGAINST_F64: Tolerance = Tolerance {
    rtol: 1e-4,
    atol: 1e-5,
    reason: "the tolerance of the reference cases: sums of up to a few thousand f32 products, each rounded at 6e-8, of which an f32 program needs about a tenth",
};

/// A backend's fast path against the plain loops over its own stages, and its run with taps against its production form.
pub const FAST_PATH: Tolerance = Tolerance {
    rtol: 1e-5,
    atol: 1e-6,
    reason: "the same f32 products summed in another order: a few roundings of 6e-8, carried through a handful of time steps",
};

/// An optimizer step on a backend against the core's formula in the same number type.
pub const OPTIMIZER: Tolerance = Tolerance {
    rtol: 1e-5,
    atol: 5e-6,
    reason: "the core's formula, whose products and sums a device may fuse, after a norm summed in f32; where gradient and weight decay cancel, an adaptive step divides by what is left",
};

/// The first place where two tensors differ too much.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// Index of the worst element.
    pub index: usize,
    /// What came.
    pub got: f64,
    /// What was expected.
    pub want: f64,
    /// Largest finite |got - want| of the tensor.
    pub largest: f64,
}

impl Tolerance {
    /// The worst element outside of the tolerance. NaN equals NaN, and an infinity itself.
    pub fn mismatch(&self, got: &[f64], want: &[f64]) -> Option<Mismatch> {
        assert_eq!(got.len(), want.len(), "two tensors of one length");
        let scale = want.iter().filter(|x| x.is_finite()).fold(0.0, |m: f64, x| m.max(x.abs()));
        let mut worst: Option<(f64, usize)> = None;
        let mut largest = 0.0f64;
        for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
            if got == want || (got.is_nan() && want.is_nan()) {
                continue;
            }
            let distance = (got - want).abs();
            largest = if distance.is_finite() { largest.max(distance) } else { largest };
            let share = distance / (self.rtol * want.abs() + self.atol * scale);
            let share = if share.is_nan() { f64::INFINITY } else { share };
            if share > 1.0 && worst.is_none_or(|(most, _)| share > most) {
                worst = Some((share, index));
            }
        }
        worst.map(|(_, index)| Mismatch { index, got: got[index], want: want[index], largest })
    }

    /// Panics with tensor, index, got, want and the largest difference.
    pub fn assert(&self, tensor: &str, got: &[f64], want: &[f64]) {
        if let Some(Mismatch { index, got, want, largest }) = self.mismatch(got, want) {
            panic!(
                "{tensor}[{index}]: got {got:e}, want {want:e}; largest difference {largest:e}, allowed {:e}·|want| + {:e}·max",
                self.rtol, self.atol
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_element_is_named() {
        let mismatch = F32_AGAINST_F64.mismatch(&[1.0, 2.1, 3.5], &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((mismatch.index, mismatch.got, mismatch.want, mismatch.largest), (2, 3.5, 3.0, 0.5));
    }

    #[test]
    fn nan_equals_nan_only_and_an_infinity_itself_only() {
        assert_eq!(BITS.mismatch(&[f64::NAN, f64::INFINITY], &[f64::NAN, f64::INFINITY]), None);
        for (got, want) in
            [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (f64::NEG_INFINITY, f64::INFINITY), (1.0, f64::INFINITY)]
        {
            assert!(F32_AGAINST_F64.mismatch(&[got], &[want]).is_some(), "{got} against {want}");
        }
    }

    #[test]
    fn one_rounding_apart_is_not_the_same_bits() {
        assert!(BITS.mismatch(&[1.0 + f64::EPSILON], &[1.0]).is_some());
    }
}
