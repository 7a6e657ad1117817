//! [`Vector`]: sixteen f32 as one number of the core's mathematics.

use super::elementary;
use super::set::{LANES, Simd};
use rnnkit_core::math::Real;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// [`LANES`] values of f32 in the registers of the instruction set `S`.
#[derive(Clone, Copy)]
pub struct Vector<S: Simd>(pub(super) S::Raw);

impl<S: Simd> Vector<S> {
    /// The first [`LANES`] values of `from`, or as many as there are, with zeros behind them.
    #[inline(always)]
    pub fn load(from: &[f32]) -> Self {
        if from.len() >= LANES {
            // SAFETY: the slice has LANES values.
            Self(unsafe { S::load(from.as_ptr()) })
        } else {
            // SAFETY: the count is the slice's length, less than LANES.
            Self(unsafe { S::load_first(from.as_ptr(), from.len()) })
        }
    }

    /// Writes to the first [`LANES`] values of `to`, or to as many as there are.
    #[inline(always)]
    pub fn store(self, to: &mut [f32]) {
        if to.len() >= LANES {
            // SAFETY: the slice has LANES values.
            unsafe { S::store(self.0, to.as_mut_ptr()) }
        } else {
            // SAFETY: the count is the slice's length, less than LANES.
            unsafe { S::store_first(self.0, to.as_mut_ptr(), to.len()) }
        }
    }

    /// The first `count` values at `from`, with zeros behind them, or [`LANES`] if `count` is larger.
    ///
    /// # Safety
    /// That many values at `from` are readable.
    #[inline(always)]
    pub(crate) unsafe fn load_from(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller vouches for the memory.
        Self(unsafe { if count >= LANES { S::load(from) } else { S::load_first(from, count) } })
    }

    /// Writes the first `count` lanes to `to`, all if `count` is larger.
    ///
    /// # Safety
    /// That many values at `to` are writable.
    #[inline(always)]
    pub(crate) unsafe fn store_to(self, to: *mut f32, count: usize) {
        // SAFETY: the caller vouches for the memory.
        unsafe { if count >= LANES { S::store(self.0, to) } else { S::store_first(self.0, to, count) } }
    }

    /// The lanes in order.
    #[inline(always)]
    pub fn to_array(self) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        self.store(&mut lanes);
        lanes
    }

    /// The sum over the lanes, halves added to halves: the same order on every instruction set.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let mut lanes = self.to_array();
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
            width /= 2;
        }
        lanes[0]
    }

    /// The largest lane. A NaN may win or lose: look for it in what is made from the result.
    #[inline(always)]
    pub fn largest(self) -> f32 {
        let lanes = self.to_array();
        let mut largest = lanes[0];
        for i in 1..LANES {
            largest = if lanes[i] > largest { lanes[i] } else { largest };
        }
        largest
    }

    /// The smaller of two values; `other` if one is NaN.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(S::min(self.0, other.0))
    }

    /// The magnitude.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(S::abs(self.0))
    }

    /// The magnitude of `self` with the sign of `sign`.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        Self(S::copysign(self.0, sign.0))
    }

    /// `yes` where `self` < `bound`, else `no`, as for a NaN.
    #[inline(always)]
    pub fn select_less(self, bound: Self, yes: Self, no: Self) -> Self {
        Self(S::select_less(self.0, bound.0, yes.0, no.0))
    }

    /// e^x.
    #[inline(always)]
    pub fn exp(self) -> Self {
        elementary::exp(self)
    }

    /// The natural logarithm: -Inf of 0, NaN below.
    #[inline(always)]
    pub fn ln(self) -> Self {
        elementary::ln(self)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<S: Simd> $trait for Vector<S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(S::$method(self.0, other.0))
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<S: Simd> Neg for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // -0 - x is -x with every bit right: the sign of zero too.
        Self::splat(-0.0) - self
    }
}

impl<S: Simd> Real for Vector<S> {
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(S::splat(x))
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        Self(S::mul_add(self.0, a.0, b.0))
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        elementary::sigmoid(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        elementary::tanh(self)
    }
    #[inline(always)]
    fn relu(self) -> Self {
        // In this order of the operands a NaN, and -0, come through.
        Self(S::max(S::splat(0.0), self.0))
    }
    #[inline(always)]
    fn where_positive(self, value: Self) -> Self {
        Self::splat(0.0).select_less(self, value, Self::splat(0.0))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(S::sqrt(self.0))
    }
    /// The larger of two values; `other` if one is NaN.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(S::max(self.0, other.0))
    }
}
