//! exp, sigmoid, tanh and ln against the standard library in f64, and the instruction sets against each other.

use super::portable::Array;
use super::{Isa, Kernel, LANES, Simd, Vector};
use rnnkit_core::math::Real;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    Exp,
    Sigmoid,
    Tanh,
    Ln,
}
use Function::*;

const ALL: [Function; 4] = [Exp, Sigmoid, Tanh, Ln];

impl Function {
    fn exact(self, x: f64) -> f64 {
        match self {
            Exp => x.exp(),
            Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Tanh => x.tanh(),
            Ln => x.ln(),
        }
    }

    /// Largest error in ulp: a little above what the exhaustive test found, and more where multiply-adds are rounded twice.
    fn bound(self, isa: Isa) -> f64 {
        let fused = match self {
            Exp | Ln => 1.25,
            Sigmoid | Tanh => 2.5,
        };
        if isa.is_fused() { fused } else { fused + 0.5 }
    }
}

/// y = function(x).
struct Apply<'a>(Function, &'a [f32], &'a mut [f32]);

impl Kernel for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for (x, y) in self.1.chunks(LANES).zip(self.2.chunks_mut(LANES)) {
            let x = Vector::<S>::load(x);
            match self.0 {
                Exp => x.exp(),
                Sigmoid => x.sigmoid(),
                Tanh => x.tanh(),
                Ln => x.ln(),
            }
            .store(y);
        }
    }
}

fn apply(isa: Isa, function: Function, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    isa.dispatch(Apply(function, x, &mut y));
    y
}

fn apply_one(isa: Isa, function: Function, x: f32) -> f32 {
    apply(isa, function, &[x])[0]
}

/// Every f32 of both signs whose bits are a multiple of `stride`, in ascending order from -Inf to Inf.
fn sweep(stride: usize) -> Vec<f32> {
    let magnitudes: Vec<f32> = (0..=f32::INFINITY.to_bits()).step_by(stride).map(f32::from_bits).collect();
    magnitudes.iter().rev().map(|x| -x).chain(magnitudes.iter().copied()).collect()
}

/// The difference of `got` from `exact` in units of the last place of a f32 near `exact`.
fn ulp_error(got: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if nearest.is_nan() || nearest.is_infinite() {
        return if got.to_bits() == nearest.to_bits() || (got.is_nan() && nearest.is_nan()) { 0.0 } else { f64::INFINITY };
    }
    // The power of two below the value, 23 places on.
    let power = f64::from_bits(exact.abs().max(f32::MIN_POSITIVE.into()).to_bits() >> 52 << 52);
    (f64::from(got) - exact).abs() / (power / f64::from(1 << 23))
}

/// (error in ulp, argument) of the worst value.
fn worst(isa: Isa, function: Function, x: &[f32]) -> (f64, f32) {
    let errors = apply(isa, function, x).into_iter().zip(x).map(|(y, &x)| (ulp_error(y, function.exact(x.into())), x));
    errors.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
}

/// Arguments where a function falls below its value for the argument before.
fn descents(isa: Isa, function: Function, x: &[f32]) -> usize {
    apply(isa, function, x).windows(2).filter(|y| y[1] < y[0]).count()
}

#[test]
fn elementary_functions_are_within_their_bound_of_f64_over_the_whole_range() {
    let mut x = sweep(9973);
    x.extend((-110_000..110_000).map(|i| i as f32 * 0.001 + 1.7e-5));
    for isa in Isa::available() {
        for function in ALL {
            let (error, at) = worst(isa, function, &x);
            assert!(error <= function.bound(isa), "{function:?} on {isa:?} is {error} ulp off at {at:e}");
        }
    }
}

#[test]
fn elementary_functions_ascend_over_a_sweep() {
    for isa in Isa::available() {
        for function in [Exp, Sigmoid, Tanh, Ln] {
            let x: Vec<f32> = sweep(9973).into_iter().filter(|&x| function != Ln || x > 0.0).collect();
            assert_eq!(descents(isa, function, &x), 0, "{function:?} on {isa:?}");
        }
    }
}

#[test]
fn zeros_infinities_and_nan_give_what_the_limit_gives() {
    let infinity = f32::INFINITY;
    let table = [
        (Exp, [(0.0, 1.0), (-0.0, 1.0), (infinity, infinity), (-infinity, 0.0)]),
        (Sigmoid, [(0.0, 0.5), (-0.0, 0.5), (infinity, 1.0), (-infinity, 0.0)]),
        (Tanh, [(0.0, 0.0), (-0.0, -0.0), (infinity, 1.0), (-infinity, -1.0)]),
        (Ln, [(0.0, -infinity), (-0.0, -infinity), (infinity, infinity), (1.0, 0.0)]),
    ];
    for isa in Isa::available() {
        for (function, rows) in table {
            for (x, y) in rows {
                let got = apply_one(isa, function, x);
                assert_eq!(got.to_bits(), f32::to_bits(y), "{function:?}({x}) on {isa:?} is {got}, not {y}");
            }
            assert!(apply_one(isa, function, f32::NAN).is_nan() && apply_one(isa, function, -f32::NAN).is_nan(), "{function:?} {isa:?}");
        }
        assert!(apply_one(isa, Ln, -1.0).is_nan() && apply_one(isa, Ln, -infinity).is_nan());
        assert_eq!([20.0, 1e30].map(|x| apply_one(isa, Tanh, -x)), [-1.0; 2]);
        assert_eq!([88.8, 3e38].map(|x| apply_one(isa, Exp, x)), [infinity; 2]);
        assert_eq!([-104.0, -3e38].map(|x| apply_one(isa, Exp, x)), [0.0; 2]);
    }
}

#[test]
fn sets_with_fused_multiply_add_give_the_bits_of_one_lane_with_it() {
    let x = sweep(99_991);
    for function in ALL {
        let mut one_lane = vec![0.0; x.len()];
        Apply(function, &x, &mut one_lane).run::<Array<true>>();
        for isa in Isa::available().filter(|isa| isa.is_fused()) {
            for ((&x, a), b) in x.iter().zip(&one_lane).zip(apply(isa, function, &x)) {
                assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{function:?}({x:e}) on {isa:?}: {b:e}, one lane {a:e}");
            }
        }
    }
}

/// Minutes: `cargo test --release -p rnnkit-cpu -- --ignored every_f32 --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn every_f32_is_within_the_bound() {
    for function in ALL {
        let (mut error, mut at, mut falls) = (0.0, 0.0, 0);
        for sign in [0u32, 1 << 31] {
            for block in 0..=0x7f7u32 {
                let x: Vec<f32> = (0..=1 << 20).map(|i| f32::from_bits(sign | ((block << 20) + i))).collect();
                let found = worst(Isa::best(), function, &x);
                (error, at) = if found.0 > error { found } else { (error, at) };
                let ascending: Vec<f32> = if sign == 0 { x } else { x.into_iter().rev().collect() };
                falls += descents(Isa::best(), function, &ascending);
            }
        }
        println!("{function:?}: at most {error:.3} ulp, at {at:e}; {falls} descents");
        assert!(error <= function.bound(Isa::best()), "{function:?} is {error} ulp off at {at:e}");
    }
}
