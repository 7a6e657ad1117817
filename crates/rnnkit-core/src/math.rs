//! Numbers the mathematics is written over: [`Real`], which a scalar or a vector of lanes can be, and [`Scalar`], a single value.
//!
//! The cells are generic over `Real`, so that the f64 oracle, plain f32 and a backend's SIMD vectors share one text. The
//! implementations here take the standard library's elementary functions: a backend that brings faster ones is judged by these.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Arithmetic and the elementary functions of the cells, on one value or on a vector of them.
///
/// Vector implementations must be elementwise, and each method `#[inline(always)]`, so that a kernel compiled for an
/// instruction set pulls the whole cell into itself.
pub trait Real: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self> {
    /// The constant `x` in every element.
    fn splat(x: f32) -> Self;
    /// `self * a + b`; a backend may round once (fused) or twice.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// 1 / (1 + e^-x).
    fn sigmoid(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// max(x, 0); NaN stays NaN.
    fn relu(self) -> Self;
    /// `value` where `self` > 0, else 0: the derivative of [`Real::relu`] times `value`.
    fn where_positive(self, value: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The larger of two values.
    fn max(self, other: Self) -> Self;
}

/// One real number, f32 or f64, with what bookkeeping needs besides [`Real`].
pub trait Scalar: Real + Default + PartialOrd + Debug + AddAssign + Sum + Send + Sync + 'static {
    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The value as f64, exactly.
    fn to_f64(self) -> f64;
    /// e^x.
    fn exp(self) -> Self;
    /// Neither NaN nor infinite, told by the bits.
    fn is_finite(self) -> bool;
}

macro_rules! scalar {
    ($t:ty) => {
        impl Real for $t {
            #[inline(always)]
            fn splat(x: f32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self * a + b
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                // Both forms are exact in the limit; the branch keeps e^|x| from overflowing.
                if self >= 0.0 {
                    1.0 / (1.0 + (-self).exp())
                } else {
                    let e = self.exp();
                    e / (1.0 + e)
                }
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            #[inline(always)]
            fn relu(self) -> Self {
                if self < 0.0 { 0.0 } else { self }
            }
            #[inline(always)]
            fn where_positive(self, value: Self) -> Self {
                if self > 0.0 { value } else { 0.0 }
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                <$t>::max(self, other)
            }
        }

        impl Scalar for $t {
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
        }
    };
}

scalar!(f32);
scalar!(f64);
