//! exp, sigmoid, tanh and ln on vectors: one sequence of correctly rounded operations, so the same bits on every machine with FMA.
//!
//! The exponential's argument is split as x = n ln 2 + r with an integer n and |r| <= ln 2 / 2; e^r - 1 is a polynomial of
//! degree 6. ln 2 is held in two parts, the first of which has so few bits that n times it is exact, with FMA or without.
//! The polynomials are weighted least-squares fits at Chebyshev points, their coefficients rounded one after the other from
//! the lowest up, the rest fitted again each time (relative error 4e-9 for exp, 7e-9 for ln; half an ulp is 3e-8 or more).
//!
//! Over every f32, where the machine has FMA: exp is within 1.02 ulp, ln 0.85, sigmoid 2.41, tanh 2.50 (the test
//! `every_f32_is_within_the_bound` says it again), and all ascend, but for sigmoid, which may fall by an ulp between neighbours.

use super::set::{SHIFT, Simd};
use super::vector::Vector;
use rnnkit_core::math::Real;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// The first 9 bits of ln 2, and the rest.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -0.000_212_194_44;
/// (e^r - 1 - r) / r^2, lowest power first.
const EXP: [f32; 5] = [0.499_999_88, 0.166_665_17, 0.041_669_637, 0.008_369_126, 0.001_374_684];
/// (ln(1 + f) - f + f^2 / 2) / f^3, lowest power first.
const LN: [f32; 8] = [0.333_333_52, -0.250_008_6, 0.199_999_6, -0.166_211_25, 0.142_241_2, -0.132_016_55, 0.126_411_26, -0.073_900_46];

/// The value at `x` of the polynomial with these coefficients, lowest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: Vector<S>, coefficients: [f32; N]) -> Vector<S> {
    let mut value = Vector::splat(coefficients[N - 1]);
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        value = value.mul_add(x, Vector::splat(coefficients[i]));
    }
    value
}

/// e^x = (1 + `excess`) * 2^n, with n + [`SHIFT`] as `shifted`.
struct Split<S: Simd> {
    shifted: Vector<S>,
    excess: Vector<S>,
}

/// Splits e^x for |x| < 150.
#[inline(always)]
fn split_exp<S: Simd>(x: Vector<S>) -> Split<S> {
    let shifted = x.mul_add(Vector::splat(LOG2_E), Vector::splat(SHIFT));
    let n = shifted - Vector::splat(SHIFT);
    let r = n.mul_add(Vector::splat(-LN_2_LOW), n.mul_add(Vector::splat(-LN_2_HIGH), x));
    Split { shifted, excess: (r * r).mul_add(polynomial(r, EXP), r) }
}

/// e^x; Inf where it overflows, denormal and then 0 where it underflows, NaN of NaN.
#[inline(always)]
pub(super) fn exp<S: Simd>(x: Vector<S>) -> Vector<S> {
    // Beyond these bounds the result is Inf or 0 anyway. In this order of the operands a NaN comes through.
    let x = Vector::splat(-104.0).max(Vector::splat(89.0).min(x));
    let Split { shifted, excess } = split_exp(x);
    let n = shifted - Vector::splat(SHIFT);
    Vector(S::times_power_of_two((excess + Vector::splat(1.0)).0, n.0))
}

/// 1 / (1 + e^-x), as e^-|x| or 1 over 1 + e^-|x|: nothing overflows, and small results keep their accuracy.
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(x: Vector<S>) -> Vector<S> {
    let one = Vector::splat(1.0);
    let e = exp(-x.abs());
    x.select_less(Vector::splat(0.0), e, one) / (one + e)
}

/// tanh |x| = -m / (m + 2) with m = e^(-2|x|) - 1, made without cancellation near 0; the sign comes from x.
#[inline(always)]
pub(super) fn tanh<S: Simd>(x: Vector<S>) -> Vector<S> {
    // At -40 m is -1 to the last bit. In this order of the operands a NaN comes through.
    let y = Vector::splat(-40.0).max(x.abs() * Vector::splat(-2.0));
    let Split { shifted, excess } = split_exp(y);
    let scale = Vector(S::power_of_two(shifted.0));
    let m = scale.mul_add(excess, scale - Vector::splat(1.0));
    (m / (m + Vector::splat(2.0))).copysign(x)
}

/// ln x: x = m * 2^e with m around 1, ln m from a polynomial in m - 1.
#[inline(always)]
pub(super) fn ln<S: Simd>(x: Vector<S>) -> Vector<S> {
    let (zero, least) = (Vector::splat(0.0), Vector::splat(f32::MIN_POSITIVE));
    let normal = x.select_less(least, x * Vector::splat(8_388_608.0), x);
    let (m, e) = S::split_exponent(normal.0);
    let e = Vector::<S>(e) + x.select_less(least, Vector::splat(-23.0), zero);
    let f = Vector::<S>(m) - Vector::splat(1.0);
    let square = f * f;
    let rest = e.mul_add(Vector::splat(LN_2_LOW), square * f * polynomial(f, LN));
    let near_one = f + square.mul_add(Vector::splat(-0.5), rest);
    let finite = e.mul_add(Vector::splat(LN_2_HIGH), near_one);
    let infinite_or_nan = x.select_less(Vector::splat(f32::INFINITY), finite, x);
    let negative = x.select_less(zero, Vector::splat(f32::NAN), infinite_or_nan);
    x.abs().select_less(Vector::splat(f32::from_bits(1)), Vector::splat(f32::NEG_INFINITY), negative)
}
